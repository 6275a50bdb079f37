"""A stage on texts alone before the method's own: the student's vectors follow a model's, then it learns from lists."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.numpy import load_file

from command_line import apart, distillir, kill_once
from distillir.base.errors import DistillirError
from distillir.composition.compose import compose
from distillir.recipe.read import parse_recipe


@pytest.fixture
def value(tiny_beir: Path, small_models: Path) -> dict[str, Any]:
    """A recipe: one of two layers first follows both, then learns from lists alone."""
    return {
        "collection": str(tiny_beir),
        "teacher": {"dense": {"model": str(small_models / "base"), "max_length": 40}},
        "student": {"model": str(small_models / "base"), "layers": 1, "max_length": 24},
        "candidates": {"from": "bm25", "depth": 8, "add_judged": True},
        "method": {"name": "kl", "vectors": {"first": 6, "weight": 0}},
        "training": {
            **{"epochs": 1, "queries_per_step": 4, "candidates_per_query": 5, "checkpoint_seconds": 0},
            **{"learning_rate": 3e-4, "select": "none", "in_batch": True},
        },
        "evaluation": {"measures": ["nDCG@10"], "depth": 10},
    }


def test_composed_of_a_stage_on_texts_and_the_methods(value: dict[str, Any]) -> None:
    first, second = compose(parse_recipe(value)).stages
    assert [signal.name for signal in first.learnt] == ["vectors"]
    assert [signal.name for signal in second.learnt] == ["scores"]
    assert (first.needs_lists, second.needs_lists) == (False, True)
    assert (first.training.epochs, second.training.epochs) == (6, 1)
    assert first.training.learning_rate == pytest.approx(2 * 3e-4)
    assert (first.training.queries_per_step, second.training.queries_per_step) == (8, 4)
    assert not first.training.in_batch and second.training.in_batch
    value["method"]["vectors"] = {"first": 1, "first_learning_rate": 1e-5, "weight": 2.0}
    first, second = compose(parse_recipe(value)).stages
    assert first.training.learning_rate == 1e-5
    assert [signal.name for signal in second.learnt] == ["scores", "vectors"]


def test_rounds_that_start_anew_keep_it(value: dict[str, Any]) -> None:
    value["method"] |= {"rounds": 2, "restart": True}
    value["candidates"]["from"] = ["bm25", "dense"]
    stages = compose(parse_recipe(value)).stages
    assert [stage.needs_lists for stage in stages] == [False, True, True]
    assert [stage.restart for stage in stages] == [False, False, True]


def test_trained_told_and_the_same_after_a_kill(value: dict[str, Any], tmp_path: Path) -> None:
    recipe, whole, killed = tmp_path / "recipe.yaml", tmp_path / "whole", tmp_path / "killed"
    recipe.write_text(yaml.safe_dump(value), encoding="utf-8")
    plan = distillir("run", recipe, "--dry-run", "--output", whole)
    assert plan.returncode == 0, plan.stderr
    assert "steps of 8 of" in plan.stderr and "train, stage 2" in plan.stderr
    done = distillir("run", recipe, "--output", whole)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((whole / "metrics.json").read_text())
    assert [stage["lists"] == [] for stage in metrics["stages"]] == [True, False]
    assert metrics["vectors"]["documents"]["after"]["mean"] > metrics["vectors"]["documents"]["before"]["mean"] + 0.05
    # As many documents are followed as the corpus has, and not those of the lists alone.
    assert json.loads((whole / "vectors" / "vectors.json").read_text())["texts"]["documents"] == 62
    process = apart("run", recipe, "--output", killed)
    kill_once(process, lambda: (killed / "work" / "student-1").is_dir())
    assert not (killed / "student").is_dir()
    again = distillir("run", recipe, "--output", killed)
    assert again.returncode == 0, again.stderr
    one, other = (load_file(run / "student" / "model.safetensors") for run in (whole, killed))
    assert all((one[name] == other[name]).all() for name in one)
    # From a teaching set that is brought: what is planned is what the run has done.
    value |= {"teaching": str(whole / "teaching")}
    value["method"]["vectors"]["model"] = value.pop("teacher")["dense"]["model"]
    brought = tmp_path / "brought.yaml"
    brought.write_text(yaml.safe_dump(value), encoding="utf-8")
    told = distillir("run", brought, "--dry-run", "--output", tmp_path / "brought")
    assert told.returncode == 0, told.stderr
    planned = next(line for line in plan.stderr.splitlines() if "steps of 8 of" in line)
    steps = planned.split("steps of 8 of")[0].split()[-1]
    assert told.stderr.split("steps of 8 of")[0].split()[-1] == steps


def test_shorter_than_a_step_is_refused_before_anything_is_mined(value: dict[str, Any], tmp_path: Path) -> None:
    value["method"]["vectors"]["first"] = 0.01
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(value), encoding="utf-8")
    done = distillir("run", recipe, "--output", tmp_path / "run")
    assert done.returncode == 2 and "stage 1, on texts alone, has 1 training examples" in done.stderr
    assert not list((tmp_path / "run").glob("runs/*"))


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        ({"weight": 0}, "vectors of weight 0 teach nothing"),
        ({"first_learning_rate": 1e-4}, "of a stage that is not asked for"),
        ({"first": 0}, "greater than 0"),
    ],
)
def test_refused(value: dict[str, Any], vectors: dict[str, Any], said: str) -> None:
    value["method"]["vectors"] = vectors
    with pytest.raises(DistillirError, match=said):
        compose(parse_recipe(value))
