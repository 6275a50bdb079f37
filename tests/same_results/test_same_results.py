"""Losses of small runs stay what they were: streams of random numbers, lists, teachers' answers, objectives, layers.

Those of ``losses.json`` are of ``python benchmarks/same_results.py``, which compares far more, but on one machine
alone. Processors differ in the last bits of float32, so losses are held to a thousandth here.
"""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from command_line import distillir

HERE = Path(__file__).parent
KNOWN: dict[str, dict[str, dict[str, float]]] = json.loads((HERE / "losses.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def small() -> ModuleType:
    """The benchmark, for its recipes."""
    spec = importlib.util.spec_from_file_location("same_results", HERE.parents[1] / "benchmarks" / "same_results.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def place(small_models: Path, tiny_beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the collection and the models that the recipes name."""
    folder = tmp_path_factory.mktemp("same")
    for there in (tiny_beir, *small_models.iterdir()):
        (folder / there.name).symlink_to(there)
    return folder


@pytest.mark.parametrize("name", KNOWN)
def test_losses_are_what_they_were(
    name: str, small: ModuleType, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "run"
    recipe.write_text(yaml.safe_dump(small.recipes()[name]), encoding="utf-8")
    for verb in ("mine", "score", "train"):
        done = distillir(verb, recipe, "--output", run)
        assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    logged: list[dict[str, Any]] = [line for line in lines if "loss" in line]
    for known, found in zip((KNOWN[name]["first"], KNOWN[name]["last"]), (logged[0], logged[-1]), strict=True):
        assert {part: found[part] for part in known} == pytest.approx(known, rel=1e-3, abs=1e-4)
