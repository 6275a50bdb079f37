"""Runs with documents kept that are killed in training: what goes on has the weights of a run left alone."""

import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from kept_recipes import KINDS, kept_models, kept_recipe  # noqa: F401 - a fixture
from safetensors.numpy import load_file

from command_line import apart, kill_once, run_recipe


def _weights(student: Path) -> dict[str, bytes]:
    files = sorted(student.glob("**/*.safetensors"))
    return {
        f"{file.relative_to(student)} {name}": own.tobytes() for file in files for name, own in load_file(file).items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_killed_in_the_second_stage(kind: str, tiny_beir: Path, kept_models: dict[str, str], tmp_path: Path) -> None:
    recipe: dict[str, Any] = kept_recipe(tiny_beir, kind, kept_models[kind])
    recipe["method"] = {"name": "kl", "plan": [{"epochs": 1}, {"epochs": 3}]}
    recipe["training"] |= {"checkpoint_seconds": 0, "in_batch": True}
    done = run_recipe(recipe, tmp_path / "whole")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    run = folder / "run"
    process = apart("run", folder / "recipe.yaml", "--output", run)
    kill_once(process, lambda: list(run.glob("work/checkpoints-2/*/complete")), within=300)
    assert process.returncode == -signal.SIGKILL and not (run / "student").exists(), process.written()
    again = run_recipe(recipe, folder)
    assert again.returncode == 0 and f"Stage 1: {run / 'work' / 'student-1'} is trained already" in again.stderr
    whole = _weights(tmp_path / "whole" / "run" / "student")
    assert any("query-encoder" in name for name in whole) and _weights(run / "student") == whole
    third = run_recipe(recipe, folder)
    assert third.returncode == 0 and "is trained already, and is not trained again" in third.stderr
