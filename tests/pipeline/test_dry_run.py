"""The plan of a run: counted by the stages' own code, refused where the run would be, and written nowhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.dry_run.encoding import Encoder, Encodings
from distillir.dry_run.folder import open_dry
from distillir.dry_run.lists import DryLists
from distillir.dry_run.plan import LINES, Line, plan, print_plan
from distillir.dry_run.search import Searches
from distillir.dry_run.speed import seconds_each, some
from distillir.dry_run.teacher import TeacherCosts
from distillir.encoding.vectors import encode_table
from distillir.pipeline.mine import mine_stage
from distillir.pipeline.open_run import open_run
from distillir.pipeline.queries import evaluation_queries, training_queries
from distillir.pipeline.run import run
from distillir.pipeline.score import score_stage
from distillir.pipeline.steps import STEPS
from distillir.recipe import Recipe
from distillir.retrieval.trec import read_run
from distillir.teachers.load import load_teacher

STAGES = ["mine", "score", "before", "train", "evaluate"]


@pytest.fixture
def value(tiny_beir: Path, minilm_path: str) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": minilm_path}]},
        "student": {"model": minilm_path, "layers": 1, "max_length": 32},
        "queries": {"split": "train", "limit": 8},
        "candidates": {"from": ["bm25", "dense"], "depth": 6},
        "training": {"epochs": 2, "queries_per_step": 2, "candidates_per_query": 3},
        "evaluation": {"split": None, "held_out": 6},
    }


def _planned(value: dict[str, Any], path: Path, scratch: Path) -> list[Line]:
    return plan(open_dry(path, Recipe.model_validate(value), scratch), Encodings())


def test_counts_are_those_of_the_stages(value: dict[str, Any], tmp_path: Path) -> None:
    """As many queries as are chosen, and as many again held out: neither is taken from the other."""
    recipe = Recipe.model_validate(value)
    dry = open_dry(tmp_path / "run", recipe, tmp_path / "scratch")
    steps = plan(dry, Encodings())
    assert [step.stage for step in steps] == STAGES
    assert not (tmp_path / "run").exists()
    with open_run(tmp_path / "run", recipe, "mine") as folder:
        mine_stage(folder)
        assert training_queries(dry).tolist() == training_queries(folder).tolist()
        assert evaluation_queries(dry).tolist() == evaluation_queries(folder).tolist()
        found = read_run(folder.candidates, folder.collection)
        ranked = read_run(folder.evaluation_candidates, folder.collection)
    assert steps[0].work == (
        f"6 candidates for {len(found.queries)} training queries, "
        f"{recipe.evaluation.depth} for {len(ranked.queries)} evaluation queries"
    )
    pairs = int(steps[1].work.split()[1])
    assert abs(pairs - len(found.documents) - len(ranked.documents)) < 0.1 * pairs
    examples = 2 * len(found.queries)
    assert steps[3].work == f"{examples // 2} steps of 2 x 3"
    assert all(step.seconds is not None and step.seconds > 0 for step in steps)


def test_made_queries_count_and_a_language_model_is_not_asked(value: dict[str, Any], tmp_path: Path) -> None:
    value["queries"] = {
        "split": None,
        "sentences": 10,
        "generated": 7,
        "generator": {"server": "http://127.0.0.1:9/v1", "model": "none"},
    }
    dry = open_dry(tmp_path / "run", Recipe.model_validate(value), tmp_path / "scratch")
    assert dry.unanswered == 7 and len(dry.generated) == 17
    assert len(training_queries(dry)) == 17 - 6
    assert all(dry.collection.queries.text(int(row)) for row in dry.generated)
    steps = plan(dry, Encodings())
    assert [step.stage for step in steps] == ["queries", *STAGES]
    assert steps[0].seconds is None and steps[0].work.startswith("7 queries")


@pytest.mark.parametrize(
    "method",
    [
        {"name": "pairdistill", "pairs": {"teacher": {"difference": {"teacher": "bm25"}}}},
        {"name": "adam", "dark": {"reinforced": 2, "noisy": 2}},
    ],
    ids=["pairdistill", "adam"],
)
def test_methods_with_signals_are_planned(value: dict[str, Any], method: Any, tmp_path: Path) -> None:
    value["method"] = method
    value["candidates"] |= {"add_judged": True}
    value["evaluation"] = {"split": "test"}
    assert [one.work for one in _planned(value, tmp_path / "run", tmp_path / "scratch") if one.stage == "train"]


def test_every_step_that_makes_something_is_told_of() -> None:
    assert {step.name for step in STEPS if step.makes} <= set(LINES) <= {step.name for step in STEPS}


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in [folder, *folder.rglob("*")]
    }


@pytest.mark.parametrize("teacher", ["bm25", None])
def test_each_stage_has_its_line_with_a_teacher_and_without(
    value: dict[str, Any], teacher: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value |= {"teacher": teacher, "evaluation": {"split": "test"}, "method": "kl" if teacher else "info_nce"}
    recipe = Recipe.model_validate(value)
    assert [line.stage for line in _planned(value, tmp_path / "run", tmp_path / "scratch")] == STAGES
    with open_run(tmp_path / "run", recipe, "score") as folder:
        mine_stage(folder)
        score_stage(folder)
    for anew in (False, True):
        print_plan(recipe, tmp_path / "run", anew=anew)
        (score,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("score ")]
        assert ("pairs by the teacher bm25" if teacher else "lists with their judgements; no teacher") in score
        assert ("there" in score) != anew


def test_what_is_there_takes_no_time_and_stays_as_it_is(value: dict[str, Any], tmp_path: Path) -> None:
    output, recipe = tmp_path / "run", Recipe.model_validate(value)
    with open_run(output, recipe, "mine") as folder:
        mine_stage(folder)
    (output / "error.log").write_text("of a run that failed")
    before = _files(output)
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    done = distillir("run", path, "-o", output, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "estimate" in done.stderr and "there already" in done.stderr
    assert _files(output) == before
    steps = {step.stage: step for step in _planned(value, output, tmp_path / "scratch")}
    assert steps["mine"].seconds == 0.0 and steps["score"].seconds != 0.0
    assert _files(output) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"evaluation": {"split": None, "held_out": 100}}, "would be held out"),
        ({"training": {"queries_per_step": 1000}}, "fewer than one step"),
        ({"queries": {"split": "nowhere"}}, "no split 'nowhere'"),
        ({"teacher": {"cross-encoder": "./nowhere"}}, "is no model folder"),
        ({"method": "info_nce", "queries": {"split": None, "sentences": 20}}, "no training query has one"),
        ({"seed": 5}, "holds the run of another recipe"),
    ],
)
def test_what_a_run_refuses_a_dry_run_refuses_in_the_same_words(
    value: dict[str, Any], tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    output = tmp_path / "run"
    if "seed" in change:
        output.mkdir()
        (output / "recipe.yaml").write_text(Recipe.model_validate(value).model_dump_json(by_alias=True))
    recipe = Recipe.model_validate({**value, **change})
    with pytest.raises(DistillirError) as dry:
        print_plan(recipe, output)
    with pytest.raises(DistillirError) as real:
        run(recipe, output)
    assert said in str(dry.value) and str(dry.value) == str(real.value)
    if "seed" not in change:
        assert not output.exists()
    else:
        print_plan(recipe, output, anew=True)
        assert [path.name for path in output.iterdir() if "lock" not in path.name] == ["recipe.yaml"]


def test_one_process_plans(value: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(DistillirError, match="without accelerate launch"):
        open_dry(tmp_path / "run", Recipe.model_validate(value), tmp_path / "scratch")


def test_a_text_is_encoded_once_and_what_is_in_the_cache_not_at_all(tiny: Collection, minilm_path: str) -> None:
    encoder, rows = Encoder("dense", minilm_path, 16), np.arange(len(tiny.corpus))
    encodings = Encodings()
    assert encodings.seconds(encoder, tiny.corpus, rows[:20], "document") > 0
    assert encodings.seconds(encoder, tiny.corpus, rows[:20], "document") == 0
    assert encodings.seconds(encoder, tiny.corpus, rows[:20], "document", trained="after") > 0
    assert encodings.seconds(encoder, tiny.corpus, rows, "document") > 0
    encode_table(minilm_path, tiny.corpus, kind="document", max_length=16)
    assert Encodings().seconds(encoder, tiny.corpus, rows, "document") == 0
    assert Encodings().seconds(encoder, tiny.corpus, rows, "document", trained="after") > 0


def test_pairs_whose_scores_are_kept_take_no_time(
    value: dict[str, Any], tmp_path: Path, minilm_path: str, tiny: Collection
) -> None:
    from sentence_transformers import CrossEncoder

    CrossEncoder(minilm_path, num_labels=1).save_pretrained(str(tmp_path / "teacher"))
    spec = {"cross-encoder": {"model": str(tmp_path / "teacher"), "max_length": 16}}
    folder = open_dry(tmp_path / "run", Recipe.model_validate(value), tmp_path / "scratch")
    rows = [np.arange(4), np.arange(2, 6)]
    lists = DryLists(np.array([0, 1]), rows, [np.ones(4, dtype=bool)] * 2, np.array([0, 1]), len(tiny.corpus))

    def seconds() -> float | None:
        return TeacherCosts(Searches(folder, Encodings()), lists).seconds(spec, [lists])

    assert seconds() != 0
    load_teacher(spec).score(folder.collection, lists.queries, lists.rows)
    assert seconds() == 0
    assert (
        TeacherCosts(Searches(folder, Encodings()), lists).seconds(
            {"ensemble": ["bm25", {"prompt": {"server": "http://127.0.0.1:9/v1", "model": "none"}}]}, [lists]
        )
        is None
    )


def test_texts_are_timed_with_neighbours_in_length() -> None:
    lengths = np.random.default_rng(0).permutation(1000)
    timed: list[np.ndarray[Any, Any]] = []
    assert seconds_each(lengths, timed.append) >= 0
    assert all(np.ptp(lengths[places]) == len(places) - 1 for places in timed)
    # The largest batches are of everything.
    assert sorted(np.concatenate(timed[-1:]).tolist()) == list(range(1000))
    assert some(np.arange(5), 9).tolist() == [0, 1, 2, 3, 4] and len(some(np.arange(90), 9)) == 9


def test_distinct_documents_of_all_lists() -> None:
    draw = np.random.default_rng(0)
    drawn = [np.unique(draw.integers(0, 300, 10)) for _ in range(200)]
    flags = [np.zeros(len(rows), dtype=bool) for rows in drawn]
    whole = DryLists(np.arange(200), drawn, flags, np.arange(200), 1000)
    every = np.unique(np.concatenate(drawn))
    assert whole.distinct().tolist() == every.tolist()
    part = DryLists(np.arange(40), drawn[:40], flags[:40], np.arange(200), 1000)
    assert abs(len(part.distinct()) - len(every)) < 0.1 * len(every)
    assert part.pairs == pytest.approx(whole.pairs, rel=0.05)
