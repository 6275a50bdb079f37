"""A signal from outside the package that needs texts alone: no candidates, no teacher, and all else as it is."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.numpy import load_file

from command_line import apart, distillir, kill_once

EXAMPLE = Path(__file__).parents[2] / "examples" / "extending" / "words_signal.py"
NAME = "words_signal:WORDS"


@pytest.fixture
def recipe(tiny_beir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minilm_path: str) -> Path:
    """Collection, student and signal."""
    shutil.copy(EXAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    value = {
        "collection": str(tiny_beir),
        "student": {"model": minilm_path, "layers": 1, "max_length": 24},
        "method": {"name": "signals", "signals": {NAME: {"documents": 24}}},
        "training": {"epochs": 1, "queries_per_step": 4, "checkpoint_seconds": 0},
        "evaluation": {"measures": ["nDCG@10"]},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(value))
    return path


def _weights(run: Path) -> dict[str, Any]:
    return {name: value.tobytes() for name, value in load_file(run / "student" / "model.safetensors").items()}


def test_trained_reported_and_gone_on_with_after_a_kill(recipe: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    planned = distillir("run", recipe, "--output", whole, "--allow-code", "--dry-run")
    assert planned.returncode == 0 and "10 steps of 4 of 40 texts" in planned.stderr, planned.stderr
    assert "candidates" not in planned.stderr and "score" not in planned.stderr
    done = distillir("run", recipe, "--output", whole, "--allow-code")
    assert done.returncode == 0, done.stderr
    assert "none are mined" in done.stderr
    assert sorted(path.name for path in (whole / "runs").iterdir()) == ["after.trec", "before.trec"]
    assert not (whole / "teaching").exists()
    losses = [json.loads(line)["loss"] for line in (whole / "log.jsonl").read_text().splitlines()]
    assert len(losses) == 10 and sum(losses[-3:]) < sum(losses[:3])
    metrics = json.loads((whole / "metrics.json").read_text())
    assert metrics["method"] == "signals + words" and metrics["objective"] == [] == metrics["stages"][0]["lists"]
    assert metrics["signals"][NAME] == {
        "description": "cosines follow how many words texts have in common",
        "queries that are learnt from": 16,
        "documents": 24,
    }
    page = (whole / "report.html").read_text()
    assert "Further signals" in page and "The teacher's scores" not in page
    # Killed between two checkpoints, and run again.
    process = apart("run", recipe, "--output", killed, "--allow-code")
    kill_once(process, lambda: list(killed.glob("work/checkpoints/checkpoint-*/complete")), within=300)
    assert not (killed / "student").is_dir()
    again = distillir("run", recipe, "--output", killed, "--allow-code")
    assert again.returncode == 0, again.stderr
    assert _weights(killed) == _weights(whole)
    # Other texts are another training.
    other = distillir("train", recipe, "--output", whole, "--allow-code", "--anew", "--set", "queries.limit=8")
    assert other.returncode == 0 and "student (other texts that are learnt from" in other.stderr, other.stderr


def test_queries_held_out_are_mined_for_and_judged_by_the_teacher_that_teaches_nothing(
    recipe: Path, tmp_path: Path
) -> None:
    value = yaml.safe_load(recipe.read_text())
    value |= {"teacher": "bm25", "candidates": {"from": "bm25"}}
    value["evaluation"] |= {"split": None, "held_out": 5}
    recipe.write_text(yaml.safe_dump(value))
    done = distillir("run", recipe, "--output", tmp_path / "run", "--allow-code")
    assert done.returncode == 0, done.stderr
    assert "the teacher gives none for training queries" in done.stderr
    runs = sorted(path.name for path in (tmp_path / "run" / "runs").iterdir())
    assert runs == ["after.trec", "before.trec", "evaluation-candidates.trec", "teacher.trec"]
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["teacher"]["nDCG@10"] == 1


def test_beside_an_objective_it_learns_from_the_texts_of_lists(recipe: Path, tmp_path: Path) -> None:
    settings = ("method.name=kl", "teacher=bm25", "candidates.from=bm25", "training.epochs=1")
    flags = [part for setting in settings for part in ("--set", setting)]
    done = distillir("run", recipe, "--output", tmp_path / "run", "--allow-code", *flags)
    assert done.returncode == 0, done.stderr
    logged = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])
    assert logged["kl"] > 0 and logged["words"] > 0
    assert (tmp_path / "run" / "teaching").is_dir()


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("method.signals={}", "method: nothing is learnt from"),
        ("teaching=here", "teaching: "),
        ("training.select=dev", "training.select: "),
        ("training.in_batch=true", "training.in_batch: "),
        ("training.batches=overlapping", "training.batches: "),
        ("student.kind=cross-encoder", "student.kind: "),
        ("candidates.guard={share: 0.9}", "candidates.guard: "),
        ("method.rounds=2", "method.plan, stage 2: mines anew"),
        ("method.name=kl", "teacher: is missing"),
        ("method.dark=true", "method.dark"),
        ("queries.split=null", "queries: there is no training query"),
        ("training.queries_per_step=200", "training.queries_per_step: "),
    ],
)
def test_parts_that_want_what_is_not_there_are_refused_in_one_line(
    recipe: Path, tmp_path: Path, setting: str, key: str
) -> None:
    done = distillir("run", recipe, "--output", tmp_path / "run", "--allow-code", "--set", setting)
    assert done.returncode == 2, done.stderr
    *_, last = done.stderr.splitlines()
    assert last.startswith("distillir: ") and key in last and "unexpected" not in last, done.stderr


def test_a_signal_that_reads_lists_it_does_not_need_is_told(recipe: Path, tmp_path: Path) -> None:
    code = EXAMPLE.read_text().replace("queries, documents = place.texts()", "queries, documents = place.lists(), []")
    (tmp_path / "reading_signal.py").write_text(code)
    recipe.write_text(recipe.read_text().replace("words_signal", "reading_signal"))
    done = distillir("run", recipe, "--output", tmp_path / "run", "--allow-code")
    assert done.returncode == 2 and "nothing in the recipe says that it needs them" in done.stderr, done.stderr
