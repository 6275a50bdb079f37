"""A signal from outside the package: trained with, reported, gone on with after a kill; no code runs unasked."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.numpy import load_file

from command_line import apart, distillir, kill_once

EXAMPLE = Path(__file__).parents[2] / "examples" / "extending" / "lexical_signal.py"
NAME = "lexical_signal:LEXICAL"


@pytest.fixture
def recipe(
    tiny_beir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minilm_path: str, small_models: Path
) -> Path:
    """A recipe beside the file that it names, in the current folder."""
    shutil.copy(EXAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    value = {
        "collection": str(tiny_beir),
        "teacher": {"dense": {"model": str(small_models / "base"), "max_length": 32}},
        "student": {"model": minilm_path, "layers": 1, "max_length": 24},
        "candidates": {"from": "bm25", "depth": 8, "add_judged": True},
        "method": {"name": "kl", "signals": {NAME: {"weight": 0.5}}},
        "training": {"epochs": 2, "queries_per_step": 4, "candidates_per_query": 5, "checkpoint_seconds": 0},
        "evaluation": {"measures": ["nDCG@10"]},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(value))
    return path


def _weights(run: Path) -> dict[str, Any]:
    return {name: value.tobytes() for name, value in load_file(run / "student" / "model.safetensors").items()}


def test_trained_with_reported_and_gone_on_with_after_a_kill(recipe: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = distillir("run", recipe, "--output", whole, "--allow-code")
    assert done.returncode == 0, done.stderr
    logged = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert {"kl", "lexical"} <= set(logged[0]) and all(line["lexical"] > 0 for line in logged)
    metrics = json.loads((whole / "metrics.json").read_text())
    assert metrics["method"] == "kl + lexical" and metrics["signals"][NAME]["description"]
    assert (whole / "signals" / "lexical_signal.LEXICAL" / "scores.parquet").is_file()
    page = (whole / "report.html").read_text()
    assert "lists whose best it agrees on" in page and "Further signals" in page and "<svg" in page
    # Killed between two checkpoints, and run again.
    process = apart("run", recipe, "--output", killed, "--allow-code")
    kill_once(process, lambda: list(killed.glob("work/checkpoints/checkpoint-*/complete")), within=300)
    assert not (killed / "student").is_dir()
    again = distillir("run", recipe, "--output", killed, "--allow-code")
    assert again.returncode == 0, again.stderr
    assert _weights(killed) == _weights(whole)
    # A report of what is there runs none of its code, and neither does a run without leave.
    refused = distillir("run", recipe, "--output", tmp_path / "unasked")
    assert refused.returncode == 2 and "--allow-code" in refused.stderr and len(refused.stderr.splitlines()) == 1


def test_options_are_checked_in_one_line(recipe: Path, tmp_path: Path) -> None:
    for setting, said in (("weight=-1", "greater than 0"), ("wieght=1", "weight")):
        key, value = setting.split("=")
        given = yaml.safe_load(recipe.read_text())
        given["method"]["signals"] = {NAME: {key: float(value)}}
        recipe.write_text(yaml.safe_dump(given))
        done = distillir("run", recipe, "--output", tmp_path / "run", "--allow-code")
        assert done.returncode == 2 and said in done.stderr and f"method.signals.{NAME}.{key}" in done.stderr
