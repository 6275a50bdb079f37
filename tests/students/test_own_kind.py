"""A kind of student from outside the package that has no vectors: trained, measured and reported."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from command_line import Done, distillir
from distillir.collections import Collection
from distillir.retrieval.trec import read_run

KIND = "own_reranker:RERANKER"
SELECT = {"select": "dev", "select_queries": 5}


@pytest.fixture
def recipe(tiny_beir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    shutil.copy(Path(__file__).with_name("own_reranker.py"), tmp_path)
    monkeypatch.chdir(tmp_path)
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": "all-MiniLM-L6-v2"}]},
        "student": {"model": "all-MiniLM-L6-v2", "kind": KIND, "layers": 1, "max_length": 48},
        "candidates": {"from": "bm25", "depth": 8},
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 4, **SELECT},
        "evaluation": {"measures": ["nDCG@10"]},
    }


def _run(recipe: dict[str, Any], *flags: str) -> Done:
    Path("recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return distillir("run", "recipe.yaml", "--output", "run", *flags)


def test_it_is_trained_and_ranks_the_candidates(recipe: dict[str, Any], tiny: Collection) -> None:
    refused = _run(recipe)
    assert refused.returncode == 2 and "student.kind" in refused.stderr and "--allow-code" in refused.stderr
    planned = _run(recipe, "--dry-run", "--allow-code")
    assert planned.returncode == 0 and "rank the candidates of" in planned.stderr, planned.stderr
    done = _run(recipe, "--allow-code")
    assert done.returncode == 0 and "(CrossEncoder loads it)" in done.stderr, done.stderr
    card = Path("run/student/README.md").read_text()
    assert "reranker" in card and "from sentence_transformers import CrossEncoder" in card and "text-ranking" in card
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["student"] == {"kind": KIND} and 0 < metrics["after"]["nDCG@10"] <= 1
    assert f"A {KIND} student" in Path("run/report.html").read_text()
    # What it ranks are the mined candidates, in the order of its own scores.
    after = read_run(Path("run/runs/after.trec"), tiny)
    mined = read_run(Path("run/runs/evaluation-candidates.trec"), tiny)
    for place, query in enumerate(after.queries.tolist()):
        rows, scores = after.of(place)
        assert sorted(rows.tolist()) == sorted(mined.select([query]).of(0)[0].tolist()) and np.all(np.diff(scores) <= 0)
