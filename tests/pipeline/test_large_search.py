"""An exact search of a large corpus is told of, by a dry run and by a run, and stays what it is."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from command_line import run_recipe
from distillir.pipeline import large_search
from distillir.retrieval import exact_seconds as measured


@pytest.fixture
def recipe(tiny_beir: Path, small_models: Path) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": str(small_models / "base"), "layers": 1},
        "candidates": {"from": ["bm25", {"dense": {"scan": "int8"}}], "depth": 8},
        "training": {"epochs": 1, "queries_per_step": 4},
        "evaluation": {"measures": ["nDCG@10"]},
    }


def test_hours_and_the_other_way_are_named_from_a_size_on(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = run_recipe(recipe, tmp_path, "--dry-run")
    assert small.returncode == 0 and "searches all" not in small.stderr
    monkeypatch.setattr(large_search, "LARGE", 62)
    for more in (["--dry-run"], []):
        told = run_recipe(recipe, tmp_path, *more)
        words = " ".join(told.stderr.split())
        assert told.returncode == 0 and words.count("searches all 62 vectors (0.0 GB as float32) for") == 1, words
        assert 'factory: "IVF8,SQ8", search: nprobe=1' in words
    again = run_recipe(recipe, tmp_path)
    assert again.returncode == 0 and "searches all" not in again.stderr, "nothing is left to mine"
    monkeypatch.undo()
    recipe["candidates"]["from"][1] = {"dense": {"factory": "IVF4,Flat", "search": "nprobe=4"}}
    monkeypatch.setattr(large_search, "LARGE", 62)
    chosen = run_recipe(recipe, tmp_path / "factory", "--dry-run")
    assert chosen.returncode == 0 and "searches all" not in chosen.stderr


def test_an_estimate_grows_with_queries_and_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(measured, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))  # each takes 1 s
    assert measured.exact_seconds(0, 10, 8, 5) == measured.exact_seconds(10, 0, 8, 5) == 0.0
    assert measured.exact_seconds(64, 100, 16, 5) == 1.0
    assert measured.exact_seconds(512, 16_384_000, 16, 5) == 2 * 1000.0
