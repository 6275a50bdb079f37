"""Teaching sets made elsewhere: diagnosed as a run's own, and refused where a method cannot learn from them."""

import json
from pathlib import Path
from typing import Any

import pytest

from distillir.base.errors import DistillirError
from distillir.base.progress import console
from distillir.collections import Collection
from distillir.pipeline.checks import check_teaching
from distillir.pipeline.open_run import open_run
from distillir.pipeline.run import run
from distillir.pipeline.score import score_stage
from distillir.pipeline.step import walk
from distillir.pipeline.steps import of_verb
from distillir.pipeline.suggested import suggested_temperature
from distillir.recipe import Recipe
from distillir.recipe.read import parse_recipe
from distillir.teaching import import_teaching
from small_models import few_words

QUERIES = 8


def imported(tiny: Collection, folder: Path, scores: list[list[float]], *, negatives: int = 3) -> Path:
    """A set of the first queries, one judged positive each, whose scores are those given, over and over."""
    ids, place = tiny.corpus.ids(range(4 * QUERIES)), folder / "in.jsonl"
    rows = []
    for i, query in enumerate(tiny.queries.ids(range(QUERIES))):
        documents = ids[4 * i : 4 * i + 1 + negatives]
        row: dict[str, Any] = {"qid": query, "pos": documents[:1], "neg": documents[1:]}
        rows.append(row | ({"scores": scores[i % len(scores)][: 1 + negatives]} if scores else {}))
    place.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    import_teaching("auto", place, tiny, folder / "set")
    return folder / "set"


def recipe(tiny_beir: Path, teaching: Path, **changes: Any) -> Recipe:
    return parse_recipe(
        {
            "collection": str(tiny_beir),
            "teaching": str(teaching),
            "student": {"model": few_words(), "layers": 1},
            "training": {"epochs": 1, "queries_per_step": 4},
            **changes,
        }
    )


def test_an_adopted_set_is_diagnosed(tiny: Collection, tiny_beir: Path, tmp_path: Path) -> None:
    place = imported(tiny, tmp_path, [[0.999, 0.9989, 0.9988, 0.9987], [1, 1, 1, 1]])
    with console.capture() as captured, open_run(tmp_path / "run", recipe(tiny_beir, place)) as folder:
        score_stage(folder)
        noted = folder.facts.read()["diagnostics"]
        folder.facts.note(diagnostics={})  # as a version before this one left it
        again = suggested_temperature(folder)
    assert (noted["lists"], noted["tied"], noted["constant"]) == (8, 4, 0.5)
    assert noted["temperature"] == again == pytest.approx(6.92e-5, rel=1e-2)
    assert "4 lists (50.0%) have one score throughout" in captured.get()


FLAT, GOOD = [[1.0, 1.0, 1.0, 1.0]], [[3.0, 2.0, 1.0, 0.0]]


@pytest.mark.parametrize("method", ["kl", "margin_mse", "ranknet", "ckl", "cl-drd"])
def test_scores_that_tell_nothing_apart_end_a_run_before_anything_is_made(
    method: str, tiny: Collection, tiny_beir: Path, tmp_path: Path
) -> None:
    wanted = recipe(tiny_beir, imported(tiny, tmp_path, FLAT), method=method)
    with pytest.raises(DistillirError, match="all 8 lists have one teacher score throughout: nothing can be learnt"):
        run(wanted, tmp_path / "run")
    assert not (tmp_path / "run").exists()


REFUSED: list[tuple[dict[str, Any], list[list[float]], int, str]] = [
    ({"method": "kl"}, GOOD, 0, "none of 8 lists has two candidates to compare"),
    ({"method": "kl"}, [], 3, "has no teacher scores"),
    ({"objective": {"info_nce": 1, "kl": 1}}, FLAT, 3, "all 8 lists have one teacher score"),
    ({"method": "kl"}, [*FLAT, *FLAT, *FLAT, *GOOD], 3, "2 training examples, fewer than one step takes"),
]


@pytest.mark.parametrize(("changes", "scores", "negatives", "message"), REFUSED)
def test_what_a_method_cannot_learn_from_is_refused(
    changes: dict[str, Any],
    scores: list[list[float]],
    negatives: int,
    message: str,
    tiny: Collection,
    tiny_beir: Path,
    tmp_path: Path,
) -> None:
    place = imported(tiny, tmp_path, scores, negatives=negatives)
    with (
        pytest.raises(DistillirError, match=message),
        open_run(tmp_path / "run", recipe(tiny_beir, place, **changes)) as folder,
    ):
        check_teaching(folder, place)


def test_lists_that_teach_nothing_end_score_before_anyone_is_asked_about_pairs(
    tiny: Collection, tiny_beir: Path, tmp_path: Path
) -> None:
    pairs = {"teacher": {"prompt": {"server": "http://127.0.0.1:9/v1", "model": "nobody"}}}
    wanted = recipe(tiny_beir, imported(tiny, tmp_path, FLAT), method={"name": "kl", "pairs": pairs})
    with (
        open_run(tmp_path / "run", wanted) as folder,
        pytest.raises(DistillirError, match="all 8 lists have one teacher score throughout"),
    ):
        walk(folder, of_verb("score"))


TAKEN: list[tuple[dict[str, Any], list[list[float]], int]] = [
    ({"objective": "info_nce"}, FLAT, 3),
    ({"objective": "info_nce"}, [], 3),
    ({"objective": "info_nce", "training": {"epochs": 1, "queries_per_step": 4, "in_batch": True}}, [], 0),
    ({"method": "kl"}, [*FLAT, *GOOD], 3),
]


@pytest.mark.parametrize(("changes", "scores", "negatives"), TAKEN)
def test_what_a_method_can_learn_from_is_taken(
    changes: dict[str, Any],
    scores: list[list[float]],
    negatives: int,
    tiny: Collection,
    tiny_beir: Path,
    tmp_path: Path,
) -> None:
    place = imported(tiny, tmp_path, scores, negatives=negatives)
    with open_run(tmp_path / "run", recipe(tiny_beir, place, **changes)) as folder:
        check_teaching(folder, place)


def test_pairs_alone_train_against_other_queries(tiny: Collection, tiny_beir: Path, tmp_path: Path) -> None:
    """Positives without any negative, the most common training file: the whole run, to a report."""
    changes = {"objective": "info_nce", "training": {"epochs": 1, "queries_per_step": 4, "in_batch": True}}
    wanted = recipe(tiny_beir, imported(tiny, tmp_path, [], negatives=0), **changes)
    assert run(wanted, tmp_path / "run").is_file()
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert logged[0]["loss"] > 0
