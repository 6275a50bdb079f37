"""Students beside an index that is kept, through the whole run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sentence_transformers import SentenceTransformer

from command_line import distillir, run_recipe
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.composition.compose import compose
from distillir.recipe.read import parse_recipe
from distillir.retrieval.trec import read_run
from refused import refused_in_a_line


@pytest.fixture
def recipe(tiny_beir: Path, small_models: Path) -> dict[str, Any]:
    documents = {"model": str(small_models / "base"), "max_length": 32}
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", "dense"]},
        "student": {"model": str(small_models / "base"), "layers": 1, "documents": {"dense": documents}},
        "candidates": {"from": ["bm25", "dense"], "depth": 8},
        "method": "kl",
        "training": {"epochs": 1, "queries_per_step": 4, "learning_rate": 1e-3},
        "evaluation": {"measures": ["nDCG@10"]},
    }


def _forbid_encoding_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no document is tokenised or encoded."""
    from distillir.batches import tokens
    from distillir.encoding import vectors

    whole: dict[str, Any] = {"tokenise": tokens.tokenise, "encode_texts": vectors.encode_texts}

    def only_queries(name: str) -> Any:
        def call(*given: Any, kind: str, **more: Any) -> Any:
            assert kind == "query"
            return whole[name](*given, kind=kind, **more)

        return call

    monkeypatch.setattr(tokens, "tokenise", only_queries("tokenise"))
    monkeypatch.setattr(vectors, "encode_texts", only_queries("encode_texts"))


def test_queries_are_trained_documents_stay_and_any_library_loads_it(
    recipe: dict[str, Any], tmp_path: Path, tiny: Collection, small_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = run_recipe(recipe, tmp_path, "--dry-run")
    assert planned.returncode == 0 and "search 62 kept vectors for" in planned.stderr, planned.stderr
    first = tmp_path / "recipe.yaml"
    assert distillir("mine", first, "--output", tmp_path / "run").returncode == 0
    _forbid_encoding_documents(monkeypatch)
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0 and "No document was encoded again: the 62 vectors of base" in done.stderr, done.stderr
    run = tmp_path / "run"
    kept = yaml.safe_load((run / "recipe.yaml").read_text())
    assert kept["training"]["candidates_per_query"] is None  # the whole list that was scored
    assert kept["teacher"]["ensemble"][1]["dense"]["max_length"] == 32  # the documents' model
    metrics = json.loads((run / "metrics.json").read_text())
    told = metrics["kept"]
    assert (
        told["documents"] == 62
        and told["width"] == 384
        and told["comparison"][0]["after"] == metrics["after"]["nDCG@10"]
    )
    assert told["query"]["student"]["parameters"] < told["query"]["documents"]["parameters"]
    assert "The index kept" in (run / "report.html").read_text()
    # One model by routes, and the query encoder by itself; both give what was measured.
    whole = SentenceTransformer(str(run / "student"), device="cpu")
    alone = SentenceTransformer(str(run / "student" / "query-encoder"), device="cpu")
    own = SentenceTransformer(str(small_models / "base"), device="cpu")
    own.max_seq_length = 32
    after = read_run(run / "runs" / "after.trec", tiny)
    rows, scores = after.of(0)
    query = [tiny.queries.text(int(after.queries[0]))]
    texts = tiny.corpus.texts(rows.tolist())
    np.testing.assert_array_equal(whole.encode_document(texts), own.encode_document(texts))
    np.testing.assert_allclose(whole.encode_query(query), alone.encode_query(query), atol=1e-6)
    found = whole.similarity(whole.encode_query(query), whole.encode_document(texts))[0]
    np.testing.assert_allclose(found, scores, atol=1e-5)
    assert not np.allclose(alone.encode_query(query), own.encode_query(query), atol=1e-3)
    # An engine takes the kept vectors, and is asked by the query encoder.
    done = distillir("index", run)
    assert done.returncode == 0, done.stderr
    indexed = json.loads((run / "index" / "lancedb-run.json").read_text())
    assert "kept vectors of base" in indexed["record"] and "student" not in indexed["record"]
    assert indexed["results"]["engine"]["recall@10"] == 1.0
    assert indexed["results"]["exact"]["nDCG@10"] == pytest.approx(metrics["after"]["nDCG@10"], abs=1e-4)


def test_a_student_of_another_width_gets_a_projection(
    recipe: dict[str, Any], tmp_path: Path, tiny: Collection, narrow_model: str
) -> None:
    recipe["student"] |= {"model": narrow_model, "layers": None}
    recipe["method"] = {"name": "auto"}
    recipe["training"] |= {"select": "none"}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "projected onto the 384 numbers of base: least squares on" in done.stderr
    run = tmp_path / "run"
    alone = SentenceTransformer(str(run / "student" / "query-encoder"), device="cpu")
    query = [tiny.queries.text(0)]
    assert alone.encode_query(query).shape == (1, 384)
    start = SentenceTransformer(str(run / "work" / "initial-student"), device="cpu")
    before, after = start.state_dict(), alone.state_dict()
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    assert any("linear.weight" in name for name in changed) and any("word_embeddings" in name for name in changed)


def test_another_seed_draws_another_random_projection(
    recipe: dict[str, Any], tmp_path: Path, narrow_model: str
) -> None:
    recipe["student"] |= {"model": narrow_model, "layers": None}
    recipe["student"]["documents"]["projection"] = "random"
    recipe |= {"teacher": "bm25", "candidates": {"from": "bm25", "depth": 4}}
    path, drawn = tmp_path / "recipe.yaml", []
    for seed in (0, 5):
        path.write_text(yaml.safe_dump({**recipe, "seed": seed}), encoding="utf-8")
        done = distillir("mine", path, "--output", tmp_path / "run", "--anew")
        assert done.returncode == 0, done.stderr
        model = SentenceTransformer(str(tmp_path / "run" / "work" / "initial-student"), device="cpu")
        drawn.append(model.encode_query(["bees see light"]))
    assert "To be made anew: initial student (other seed of the random projection than when it was made)" in done.stderr
    assert np.abs(drawn[0] - drawn[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("student", "said"),
    [
        ({"kind": "multi-vector"}, "documents are kept for dense students, and this one is multi-vector"),
        ({"towers": "separate"}, "with documents kept the student is a query encoder alone"),
        (
            {"documents": {"multi-vector": "some"}},
            "documents are kept for multi-vector students, and this one is dense",
        ),
        ({"documents": {"dense": "some", "vectors": "there"}}, "one of the two"),
        ({"documents": {"dense": "some", "ids": "there"}}, "ids and similarity are for vectors made elsewhere"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(recipe: dict[str, Any], student: dict[str, Any], said: str) -> None:
    recipe["student"] |= student
    refused_in_a_line(recipe, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": {"name": "kl", "dark": True}}, "dark brings texts of its own, and no model is known"),
        ({"evaluation": {"also": ["stdlib"]}}, "other collections have no kept vectors"),
        ({"teacher": {"ensemble": ["bm25", "dense"]}}, "dense needs more than its name"),
    ],
)
def test_what_needs_a_documents_model_is_refused_of_vectors_made_elsewhere(
    recipe: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    recipe["student"]["documents"] = {"vectors": "somewhere", "ids": "ids.txt"}
    with pytest.raises(DistillirError) as told:
        parse_recipe({**recipe, "teacher": "bm25", **change})
    assert said in str(told.value) and "\n" not in str(told.value)


def test_recipes_without_kept_documents_are_written_as_before(recipe: dict[str, Any]) -> None:
    recipe["student"].pop("documents")
    written = parse_recipe({**recipe, "teacher": "bm25"}).resolved()
    assert "documents" not in written["student"] and written["training"]["candidates_per_query"] == 8


def test_the_default_method_has_settings_of_its_own(recipe: dict[str, Any]) -> None:
    recipe |= {"method": "auto", "training": {"epochs": 3}}
    training = parse_recipe(recipe).training
    assert (training.epochs, training.queries_per_step, training.candidates_per_query) == (3, 32, None)
    recipe |= {"method": "cl-drd", "candidates": {"from": "bm25", "depth": 30}}  # as published
    assert parse_recipe(recipe).training.queries_per_step == 8


def test_another_width_without_a_projection_is_refused(
    recipe: dict[str, Any], tmp_path: Path, narrow_model: str
) -> None:
    recipe["student"] |= {"model": narrow_model, "layers": None}
    recipe["student"]["documents"]["projection"] = "none"
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 2 and "have 16 numbers, and those of base 384" in done.stderr, done.stderr


def test_another_documents_model_is_never_taken_for_the_one_before(
    recipe: dict[str, Any], tmp_path: Path, small_models: Path
) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    changed = tmp_path / "documents"
    shutil.copytree(small_models / "base", changed)
    recipe["student"]["documents"]["dense"]["model"] = str(changed)
    assert run_recipe(recipe, tmp_path).returncode == 0
    weights = load_file(changed / "model.safetensors")
    save_file({name: value * 1.01 for name, value in weights.items()}, changed / "model.safetensors", {"format": "pt"})
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 2 and "kept vectors of documents" in done.stderr, done.stderr


def test_vectors_made_elsewhere_are_searched_and_documents_refused(
    recipe: dict[str, Any], tmp_path: Path, tiny: Collection, small_models: Path
) -> None:
    own = SentenceTransformer(str(small_models / "base"), device="cpu")
    vectors = own.encode_document(tiny.corpus.texts())
    np.save(tmp_path / "vectors.npy", vectors[::-1])
    (tmp_path / "ids.txt").write_text("".join(f"{one}\n" for one in tiny.corpus.ids()[::-1]), encoding="utf-8")
    recipe["student"]["documents"] = {"vectors": str(tmp_path / "vectors.npy"), "ids": str(tmp_path / "ids.txt")}
    recipe["teacher"] = "bm25"
    recipe["training"] |= {"select": "dev", "select_queries": 5, "select_measures": 2}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0 and "No document was encoded again: the 62 vectors of vectors.npy" in done.stderr
    run = tmp_path / "run"
    metrics = json.loads((run / "metrics.json").read_text())
    assert "measures" not in metrics["kept"] and "documents" not in metrics["kept"]["query"]
    after = read_run(run / "runs" / "after.trec", tiny)
    rows, scores = after.of(0)
    model = SentenceTransformer(str(run / "student"), device="cpu")
    asked = model.encode_query([tiny.queries.text(int(after.queries[0]))])
    np.testing.assert_allclose((asked @ vectors[rows].T)[0] / np.linalg.norm(asked), scores, atol=1e-5)
    with pytest.raises(ValueError, match="No route found for task type 'document'"):
        model.encode_document(["A text."])
    search = {"from": {"dense": str(run / "student")}, "depth": 8}
    refused = run_recipe({**recipe, "candidates": search}, tmp_path / "next")
    assert refused.returncode == 2 and "encodes queries alone: documents were encoded elsewhere" in refused.stderr
    # Other vectors in the same file are not taken for these.
    np.save(tmp_path / "vectors.npy", vectors[::-1] * 2)
    other = run_recipe(recipe, tmp_path)
    assert other.returncode == 2 and "other kept vectors of vectors.npy" in other.stderr, other.stderr


def test_queries_may_follow_the_documents_own_encoder_without_a_list(recipe: dict[str, Any], tmp_path: Path) -> None:
    del recipe["teacher"], recipe["candidates"]
    recipe["method"] = "vectors"
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    assert not (run / "runs" / "candidates.trec").exists() and (run / "runs" / "documents.trec").is_file()
    logged = [json.loads(line)["loss"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert logged[-1] < logged[0]
    assert (run / "student" / "query-encoder" / "modules.json").is_file()


def test_documents_alone_are_read_as_queries_and_kept_vectors_followed(recipe: dict[str, Any], tmp_path: Path) -> None:
    del recipe["teacher"], recipe["candidates"], recipe["student"]["layers"]
    recipe["student"]["max_length"] = 32
    recipe["method"] = {"name": "vectors", "vectors": {"documents": 40}}
    recipe["training"] |= {"learning_rate": 1e-9, "dropout": 0.0, "precision": "float32"}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    # The documents' model itself reads a document as the index has it: nothing is left to learn.
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert all(abs(step["vectors_documents"]) < 1e-5 and abs(step["vectors_queries"]) < 1e-5 for step in logged)
    told = json.loads((tmp_path / "run" / "metrics.json").read_text())["vectors"]
    assert told["documents"]["texts"] == 22 and told["documents"]["unseen"]  # of 62 that were not among the 40
    assert told["documents"]["before"]["mean"] == pytest.approx(1, abs=1e-4)


def test_vectors_made_elsewhere_are_followed_by_documents_texts(
    recipe: dict[str, Any], tmp_path: Path, tiny: Collection, small_models: Path
) -> None:
    own = SentenceTransformer(str(small_models / "base"), device="cpu")
    np.save(tmp_path / "vectors.npy", own.encode_document(tiny.corpus.texts()))
    (tmp_path / "ids.txt").write_text("".join(f"{one}\n" for one in tiny.corpus.ids()), encoding="utf-8")
    files = {"vectors": str(tmp_path / "vectors.npy"), "ids": str(tmp_path / "ids.txt")}
    recipe["student"]["documents"] = {**files, "projection": "none"}  # a fitted one would have learnt all 62 by heart
    recipe |= {"teacher": "bm25", "method": {"name": "kl", "vectors": {"first": 8, "weight": 0}}}
    recipe["training"] |= {"select": "none", "learning_rate": 3e-4}
    planned = run_recipe(recipe, tmp_path, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    first = [step["loss"] for step in logged if step["stage"] == 1]
    assert first[-1] < first[0] / 2 and logged[-1]["stage"] == 2
    told = json.loads((run / "metrics.json").read_text())["vectors"]
    assert told["model"] == "vectors.npy" and "queries" not in told
    assert told["documents"]["after"]["mean"] > told["documents"]["before"]["mean"]


@pytest.mark.parametrize(
    "method, said",
    [
        ({"name": "kl", "vectors": {"of": "documents"}}, "beside lists they follow nothing"),
        ({"name": "kl", "vectors": {"of": "documents", "model": "bert-tiny", "first": 1}}, "of bert-tiny are others"),
    ],
)
def test_documents_that_follow_nothing_are_refused(recipe: dict[str, Any], method: dict[str, Any], said: str) -> None:
    recipe["method"] = method
    with pytest.raises(DistillirError, match=said):
        compose(parse_recipe(recipe))


def test_queries_of_vectors_made_elsewhere_have_no_model_to_follow(recipe: dict[str, Any], tmp_path: Path) -> None:
    recipe["student"]["documents"] = {"vectors": str(tmp_path / "vectors.npy"), "ids": str(tmp_path / "ids.txt")}
    np.save(tmp_path / "vectors.npy", np.zeros((2, 8), dtype=np.float32))
    (tmp_path / "ids.txt").write_text("1\n2\n")
    recipe |= {"teacher": "bm25", "candidates": {"from": "bm25"}, "method": {"name": "kl", "vectors": True}}
    with pytest.raises(DistillirError, match="no model is known that made the kept ones"):
        compose(parse_recipe(recipe))


@pytest.mark.parametrize(
    "student, method, first",
    [
        ({}, "auto", 1.0),  # a layer of the documents' model
        ({"layers": None}, "auto", None),  # that model itself: nothing to follow
        ({"model": "bert-tiny"}, "auto", 4.0),
        ({}, {"name": "auto", "vectors": None}, None),
        ({}, {"name": "auto", "vectors": {"first": 2}}, 2.0),
        ({}, {"name": "auto", "objective": "kl"}, None),
        ({}, "kl", None),
    ],
)
def test_the_default_follows_the_documents_model_first(
    recipe: dict[str, Any], student: dict[str, Any], method: Any, first: float | None
) -> None:
    found = parse_recipe({**recipe, "student": recipe["student"] | student, "method": method})
    vectors = found.method.signals.get("vectors")
    assert (None if vectors is None else vectors["first"]) == first
    assert parse_recipe(yaml.safe_load(yaml.safe_dump(found.resolved()))) == found
    assert [stage.needs_lists for stage in compose(found).stages] == ([True] if first is None else [False, True])
