"""Scores of a caller's own: by lists or by ids, checked, and kept where their content says."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import distillir
from distillir.collections import Collection
from distillir.front_door.candidates import Candidates


@pytest.fixture(scope="module")
def candidates(tiny: Collection) -> Candidates:
    return distillir.mine(tiny, "bm25", depth=5, add_judged=True)


def _words(candidates: Candidates) -> list[list[float]]:
    return [
        [float(len(set(query.split()) & set(text.split()))) for text in texts] for query, texts in candidates.texts()
    ]


def test_scores_of_lists_and_of_ids_are_the_same_set(candidates: Candidates, tiny: Collection) -> None:
    scores = _words(candidates)
    ids = candidates.ids()
    by_list = distillir.teaching_set(candidates, [np.array(values) for values in scores])
    by_query = dict(zip(ids, scores, strict=True))
    by_id = {query: dict(zip(ids[query], values, strict=True)) for query, values in by_query.items()}
    for lists, given in ((candidates, by_query), (ids, by_query), (ids, by_id)):
        made = distillir.teaching_set(lists, given, collection=tiny, judgements="train")
        assert made.path == by_list.path
    for index, (query, documents) in enumerate(ids.items()):
        assert tiny.corpus.ids(by_list.documents(index)) == documents
        assert by_list.scores(index).tolist() == by_query[query]
    flags = [bool(by_list.relevant(index).any()) for index in range(len(by_list))]
    assert all(flags), "add_judged put a judged document into every list"


def test_teachers_own_scores_give_the_teachers_set(candidates: Candidates, tiny: Collection) -> None:
    scored = distillir.score(tiny, candidates, teacher="bm25")
    own = distillir.teaching_set(candidates, [scored.scores(index) for index in range(len(scored))])
    assert own.table.equals(scored.table)


def test_set_is_kept_where_the_caller_says(candidates: Candidates, tmp_path: Path) -> None:
    scores = _words(candidates)
    made = distillir.teaching_set(candidates, scores, output=tmp_path / "set")
    assert made.path == tmp_path / "set"
    assert distillir.teaching_set(candidates, scores, output=tmp_path / "set").path == made.path
    scores[0][0] += 1
    with pytest.raises(distillir.DistillirError, match="holds something else already; choose another output"):
        distillir.teaching_set(candidates, scores, output=tmp_path / "set")


@pytest.mark.parametrize(
    ("lists", "scores", "said"),
    [
        ({"q1": ["bee-dance"]}, {"q1": [1.0, 2.0]}, "query 'q1' has 1 candidates and 2 scores"),
        (
            {"q1": ["bee-dance", "bee-wax"]},
            {"q1": [1.0, float("nan")]},
            "document 'bee-wax' have the teacher score nan",
        ),
        ({"q1": ["bee-dance", "bee-dance"]}, {"q1": [1.0, 2.0]}, "document 'bee-dance' twice"),
        ({"q1": ["bee-dnace"]}, {"q1": [1.0]}, "lists: q1: unknown id 'bee-dnace'"),
        ({"q0": ["bee-dance"]}, {"q0": [1.0]}, "lists: unknown id 'q0'"),
        ({"q1": ["bee-dance"]}, {"q2": [1.0]}, "1 of 1 queries have none, for example 'q1'"),
        ({"q1": ["bee-dance"]}, {"q1": {"bee-wax": 1.0}}, "query 'q1' has none of document 'bee-dance'"),
        ({"q1": ["bee-dance"]}, [[1.0], [2.0]], "there are 2 for 1 lists"),
        ({"q1": ["bee-dance"]}, [["high"]], "those of query 'q1' are no numbers"),
        ({"q1": ["bee-dance"]}, [[[1.0]]], r"those of query 'q1' have the shape \(1, 1\)"),
    ],
)
def test_what_cannot_be_is_told(lists: Any, scores: Any, said: str, tiny: Collection) -> None:
    with pytest.raises(distillir.DistillirError, match=said):
        distillir.teaching_set(lists, scores, collection=tiny)


def test_ids_need_their_collection() -> None:
    with pytest.raises(distillir.DistillirError, match="collection: is missing"):
        distillir.teaching_set({"q1": ["bee-dance"]}, {"q1": [1.0]})


def test_scores_beyond_float32_are_one_line_and_no_warning(candidates: Candidates) -> None:
    scores = _words(candidates)
    scores[0][0] = 1e39
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(distillir.DistillirError, match="have the teacher score inf"):
            distillir.teaching_set(candidates, scores)


def test_a_collection_and_a_teaching_set_show_counts_and_where_they_are_from(
    candidates: Candidates, tiny: Collection
) -> None:
    shown = repr(tiny)
    assert shown.startswith("<Collection tiny: 62 documents, 30 queries; ") and shown.endswith(f"{tiny.source}>")
    made = distillir.teaching_set(candidates, _words(candidates))
    total = sum(len(rows) for rows in made.lists)
    assert repr(made) == f"<TeachingSet of tiny: {len(made)} lists, {total} candidates; own scores; {made.path}>"


def test_a_misspelt_argument_is_one_line_with_the_nearest() -> None:
    with pytest.raises(distillir.DistillirError, match=r"distillir\.run: unknown argument 'outptu'; did you mean 'out"):
        distillir.run({}, outptu="x")  # type: ignore[call-arg]
    with pytest.raises(distillir.DistillirError, match=r"distillir\.run: missing a required argument: 'recipe'; its"):
        distillir.run()  # type: ignore[call-arg]


def test_no_measure_is_refused(tiny: Collection) -> None:
    with pytest.raises(distillir.DistillirError, match="measures: no measure is named"):
        distillir.evaluate(tiny, distillir.mine(tiny, "bm25", depth=5, queries="test"), measures=[])
