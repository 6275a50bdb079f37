"""Single stages of a run, each on what the one before it would have left, without the others."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from command_line import apart, distillir, kill_once
from distillir.base.errors import DistillirError
from distillir.base.progress import console
from distillir.pipeline.evaluate import evaluate_stage
from distillir.pipeline.mine import mine_stage, prepare_student
from distillir.pipeline.mined_parts import evaluation_part, selection_part, training_part
from distillir.pipeline.queries import training_queries
from distillir.pipeline.report import report_stage
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.score import score_stage
from distillir.recipe.read import parse_recipe
from distillir.retrieval.trec import read_run
from distillir.teachers.load import load_teacher
from distillir.teaching.teaching_set import open_teaching_set
from small_models import few_words


def _value(collection: Path) -> dict[str, object]:
    return {
        "collection": str(collection),
        "teacher": "bm25",
        "student": {"model": few_words(), "layers": 1, "max_length": 16},
        "queries": {"split": "train", "limit": 6},
        "candidates": {"from": "bm25", "depth": 6},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10, "teacher_depth": 7},
    }


@pytest.fixture
def folder(tiny_beir: Path, tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run", parse_recipe(_value(tiny_beir)))


def test_mining_asks_for_each_part_what_the_recipe_says(folder: RunFolder) -> None:
    mine_stage(folder, evaluated=False)
    assert folder.candidates.is_file() and not folder.evaluation_candidates.exists()
    before = folder.candidates.stat().st_mtime_ns
    mine_stage(folder)
    assert folder.candidates.stat().st_mtime_ns == before and list(folder.facts.read()["seconds"]).count("mine") == 1
    for part, path in (
        (training_part(folder), folder.candidates),
        (evaluation_part(folder), folder.evaluation_candidates),
    ):
        run = read_run(path, folder.collection)
        assert set(run.queries.tolist()) <= set(part.rows.tolist())
        assert max(len(rows) for rows in run.lists) == part.depth
    assert (training_part(folder).depth, evaluation_part(folder).depth) == (6, 7)
    chosen = selection_part(folder)
    assert (chosen is not None) == folder.selection_candidates.is_file()


def test_mining_goes_on_where_a_kill_stopped_it(tiny_beir: Path, tmp_path: Path) -> None:
    recipe, output = tmp_path / "recipe.json", tmp_path / "run"
    recipe.write_text(json.dumps(_value(tiny_beir)))
    first, second = output / "runs" / "candidates.trec", output / "runs" / "evaluation-candidates.trec"
    kill_once(apart("mine", recipe, "--output", output), first.exists)
    before = first.stat().st_mtime_ns
    done = distillir("mine", recipe, "--output", output)
    assert done.returncode == 0, done.stderr
    assert first.stat().st_mtime_ns == before and second.is_file()


def test_scoring_needs_candidates_and_nothing_else(folder: RunFolder) -> None:
    with pytest.raises(DistillirError, match="distillir mine"):
        score_stage(folder)
    query = folder.collection.queries.id(int(training_queries(folder)[0]))
    documents = folder.collection.corpus.ids(range(3))
    folder.runs.mkdir()
    lines = (f"{query} Q0 {name} {rank} {3 - rank} hand\n" for rank, name in enumerate(documents))
    folder.candidates.write_text("".join(lines), encoding="utf-8")
    score_stage(folder, evaluated=False)
    lists = open_teaching_set(folder.teaching, folder.collection)
    teacher = load_teacher("bm25")
    [expected] = teacher.score(folder.collection, lists.queries, [lists.documents(0)])
    assert len(lists) == 1 and sorted(folder.collection.corpus.ids(lists.documents(0))) == sorted(documents)
    np.testing.assert_array_equal(lists.scores(0), expected)
    assert not folder.teacher_run.exists() and sum(folder.facts.read()["teacher_calls"].values()) == 0


def test_a_student_that_nobody_trained_gains_nothing(folder: RunFolder) -> None:
    with pytest.raises(DistillirError, match="distillir train"):
        evaluate_stage(folder)
    with pytest.raises(DistillirError, match="distillir evaluate"):
        report_stage(folder)
    prepare_student(folder)
    shutil.copytree(folder.initial_student, folder.student)
    metrics = evaluate_stage(folder)
    assert metrics == json.loads(folder.metrics.read_text(encoding="utf-8"))
    assert metrics["before"] == metrics["after"] and "teacher" not in metrics
    [compared] = metrics["comparison"]
    assert (compared["wins"], compared["losses"]) == (0, 0) and compared["ties"] == metrics["queries"]
    assert {"evaluate before", "evaluate after"} <= set(metrics["seconds"])
    with console.capture() as said:
        assert report_stage(folder) == folder.report
    assert folder.report.is_file() and "nDCG@10" in said.get()
