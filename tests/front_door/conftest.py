"""A run from Python on the tiny collection, which several tests look at."""

from pathlib import Path
from typing import Any

import pytest

import distillir


@pytest.fixture(scope="session")
def recipe(tiny_beir: Path) -> dict[str, Any]:
    """What every test here trains: one layer, short texts, two epochs."""
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": "all-MiniLM-L6-v2"}]},
        "student": {"model": "all-MiniLM-L6-v2", "layers": 1, "max_length": 32},
        "candidates": {"from": ["bm25", "dense"], "depth": 8, "add_judged": True},
        "method": "ckl",
        "training": {"epochs": 2, "queries_per_step": 4, "candidates_per_query": 4, "precision": "float32"},
        "evaluation": {"measures": ["nDCG@10", "MRR@10"]},
    }


@pytest.fixture(scope="session")
def result(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> distillir.Result:
    """That run, called from Python."""
    return distillir.run(recipe, output=tmp_path_factory.mktemp("front") / "run")
