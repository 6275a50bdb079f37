"""The ``candidates:`` part of a recipe: forms, mistakes and the run it asks for."""

from pathlib import Path

import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.run import from_lists
from distillir.retrieval.recipe_form import mine_from_spec, validate_candidates_spec
from distillir.retrieval.sources import check_source, load_retriever, retriever_kinds
from distillir.retrieval.trec import write_run


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("bm25", ("bm25", {})),
        ({"bm25": {"k1": 1.2, "stemmer": "english"}}, ("bm25", {"k1": 1.2, "stemmer": "english"})),
        ("dense", ("dense", {})),
        ({"dense": "some/model"}, ("dense", {"model": "some/model"})),
        ({"dense": {"factory": "IVF64,Flat"}}, ("dense", {"factory": "IVF64,Flat"})),
        ({"trec": "a/run.trec"}, ("trec", {"path": "a/run.trec"})),
    ],
)
def test_forms_of_a_source(spec: object, expected: tuple[str, dict[str, object]]) -> None:
    assert check_source(spec) == expected
    assert expected[0] in retriever_kinds()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bm52", "did you mean 'bm25'?"),
        ({"trek": "x"}, "did you mean 'trec'?"),
        ("splade++", "choose from bm25, dense, multi-vector, sparse, trec"),
        ({"bm25": {"stemer": "english"}}, "bm25: unknown key 'stemer'; did you mean 'stemmer'?"),
        ({"bm25": {"k1": "high"}}, "k1 is 'high'; give a number"),
        ({"bm25": "english"}, "bm25: 'english' is no mapping; give a mapping of its options (k1, b, stem"),
        ({"dense": {"max_length": True}}, "max_length is True"),
        ("trec", "trec needs more than its name; write {trec: path}"),
        (7, "7 is no source"),
        ({"bm25": None, "dense": None}, "is no source"),
    ],
)
def test_mistakes_in_a_source(spec: object, message: str) -> None:
    with pytest.raises(DistillirError) as caught:
        check_source(spec, "recipe.yaml: candidates.from")
    assert message in str(caught.value)
    assert str(caught.value).startswith("recipe.yaml: candidates.from: ")


@pytest.mark.parametrize(
    "spec",
    [
        {"from": "bm25"},
        {"from": ["bm25", "dense"], "depth": 50, "fusion": "zscore", "weights": [1, 0.5]},
        {"from": [{"trec": "x"}], "add_judged": True, "size": 10, "sample": "random", "seed": 3},
        {"from": {"dense": "m"}, "exclude_judged": True, "guard": {"share": 0.95}},
        {"from": "bm25", "guard": {"margin": 2}},
    ],
)
def test_right_forms_pass(spec: dict[str, object]) -> None:
    validate_candidates_spec(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bm25", "no mapping"),
        ({"depth": 5}, "no source is named"),
        ({"from": []}, "list of sources is empty"),
        ({"from": ["bm25", "densse"]}, "did you mean 'dense'?"),
        ({"from": "bm25", "dept": 5}, "unknown key 'dept'; did you mean 'depth'?"),
        ({"from": "bm25", "depth": "deep"}, "depth is 'deep'; give a whole number"),
        ({"from": "bm25", "depth": True}, "depth is True"),
        ({"from": "bm25", "depth": 0}, "give at least 1"),
        ({"from": "bm25", "fusion": "rff"}, "did you mean 'rrf'?"),
        ({"from": "bm25", "sample": "rndom"}, "did you mean 'random'?"),
        ({"from": ["bm25", "dense"], "weights": [1]}, "1 weights for 2 sources"),
        ({"from": ["bm25"], "weights": ["much"]}, "give numbers"),
        ({"from": "bm25", "exclude_judged": True, "add_judged": True}, "contradict"),
        ({"from": "bm25", "guard": {"shar": 0.9}}, "did you mean 'share'?"),
        ({"from": "bm25", "guard": {}}, "give a share or a margin"),
        ({"from": "bm25", "guard": {"share": 0.9, "margin": 1}}, "give a share or a margin"),
        ({"from": "bm25", "guard": {"share": 95}}, "0 < share <= 1"),
        ({"from": "bm25", "seed": -1}, "give 0 or more"),
    ],
)
def test_wrong_forms_are_refused_before_anything_is_opened(spec: object, message: str) -> None:
    with pytest.raises(DistillirError) as caught:
        validate_candidates_spec(spec)
    assert message in str(caught.value)


def test_dense_takes_the_student_unless_a_model_is_named() -> None:
    assert load_retriever("dense", "path/of/student").name == "student"
    assert load_retriever({"dense": "another"}, "path/of/student").name == "another"
    with pytest.raises(DistillirError, match="dense candidates without a model"):
        load_retriever("dense")


def test_a_run_from_elsewhere_and_bm25_are_mined(tiny: Collection, tmp_path: Path) -> None:
    queries = tiny.qrels("test").query_rows
    bm25 = mine_from_spec(tiny, queries, {"from": "bm25", "depth": 4})
    write_run(bm25, tiny, tmp_path / "bm25.trec")
    # The file lacks one query, and lists deeper than asked.
    partial = from_lists(bm25.queries[1:], bm25.lists[1:], [bm25.of(i)[1] for i in range(1, len(bm25))])
    write_run(partial, tiny, tmp_path / "partial.trec")
    again = mine_from_spec(tiny, queries, {"from": {"trec": str(tmp_path / "bm25.trec")}, "depth": 2})
    assert [d.tolist() for d in again.lists] == [d[:2].tolist() for d in bm25.lists]
    lacking = mine_from_spec(tiny, queries, {"from": {"trec": str(tmp_path / "partial.trec")}})
    assert lacking.queries.tolist() == queries.tolist()
    assert len(lacking.of(0)[0]) == 0
    fused = mine_from_spec(tiny, queries, {"from": [{"trec": str(tmp_path / "partial.trec")}, "bm25"], "depth": 4})
    assert [set(d) for d in fused.lists] == [set(d) for d in bm25.lists]
