"""A pairwise teacher's preferences through the whole run, beside any objective and plan."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from distillir.errors import DistillirError
from distillir.methods.compose import compose
from distillir.recipe import Recipe


@pytest.fixture(scope="module")
def pairwise(tiny_beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("teacher") / "pairwise"
    flags = ["--pairwise", "--max-pairs", "48", "--max-length", "64", "--negatives-from", "bm25"]
    done = _distillir("train-teacher", str(tiny_beir), "-o", str(output), *flags)
    assert done.returncode == 0 and "pairs: {teacher: {cross-encoder:" in done.stderr, done.stderr
    return output


def _distillir(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "distillir", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def _recipe(tiny_beir: Path, method: Any, **more: Any) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": "all-MiniLM-L6-v2"}]},
        "student": {"model": "all-MiniLM-L6-v2", "layers": 1, "max_length": 32},
        "candidates": {"from": ["bm25", "dense"], "depth": 8},
        "method": method,
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 5},
        "evaluation": {"measures": ["nDCG@10"], "precision": "auto"},
        **more,
    }


def test_a_run_and_what_it_says(tiny_beir: Path, pairwise: Path, tmp_path: Path) -> None:
    pairs = {"teacher": {"cross-encoder": str(pairwise)}, "per_query": 4, "both_orders": True}
    plan = [{"lists": "plain"}, {"lists": {"top": 3, "hard": 2}, "mine": True, "objective": "ranknet"}]
    path, run = tmp_path / "recipe.yaml", tmp_path / "run"
    path.write_text(yaml.safe_dump(_recipe(tiny_beir, {"name": "pairdistill", "plan": plan, "pairs": pairs})))
    done = _distillir("run", str(path), "--output", str(run))
    assert done.returncode == 0, done.stderr
    assert "position bias" in done.stderr and "128 pairs asked" in done.stderr
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["pairs"]["pairs"] == 64 and metrics["pairs"]["position_bias"] is not None
    assert metrics["pair_calls"]["asked"] >= 128 and "stage 2" in metrics["pairs"]
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert "pair_kl" in logged[0] and {"ranknet", "pair_kl"} <= set(logged[-1])
    again = _distillir("score", str(path), "--output", str(run))
    assert again.returncode == 0 and "asked" not in again.stderr
    # What `pairs` holds must be of this recipe, also where training alone is asked for.
    shutil.rmtree(run / "student")
    shutil.rmtree(run / "work")
    (run / "pairs" / "pairs.parquet").unlink()
    missing = _distillir("train", str(path), "--output", str(run))
    assert missing.returncode and "run `distillir score` with this recipe first" in missing.stderr, missing.stderr
    pq.write_table(pa.table({"list": [0]}), run / "pairs" / "pairs.parquet")
    damaged = _distillir("train", str(path), "--output", str(run))
    assert damaged.returncode and "was made of another teaching set" in damaged.stderr, damaged.stderr


def test_what_is_compared(tiny_beir: Path) -> None:
    pairs = {"teacher": {"cross-encoder": "folder"}}

    def composed(method: Any, **more: Any) -> Any:
        return compose(Recipe.model_validate(_recipe(tiny_beir, method, **more)))

    dense = composed({"name": "pairdistill", "pairs": pairs})
    assert dense.name == "pairdistill" and dense.objective.weights == {"kl": 1.0, "pair_kl": 1.0}
    late = composed({"name": "pairdistill", "pairs": pairs}, student={"model": "m", "kind": "multi-vector"})
    assert late.objective.weights == {"kl": 1.0, "info_nce": 1.0, "pair_kl": 3.0}
    options = {objective.name: settings for objective, _, settings in late.objective.parts}
    assert options["kl"]["own_list"] is True and options["info_nce"]["own_negatives"] is False
    training = late.stages[0].training
    assert training.in_batch and training.pseudo_positives == "always" and training.sample == "random"
    beside = composed({"name": "ckl", "plan": "cl-drd", "pairs": pairs}, candidates={"from": "bm25", "depth": 30})
    assert beside.name == "ckl + pairs, plan cl-drd" and set(beside.objective.weights) == {"ckl", "pair_kl"}
    own = composed({"name": "kl", "pairs": pairs}, objective={"kl": 1.0, "pair_kl": 7.0})
    assert own.objective.weights == {"kl": 1.0, "pair_kl": 7.0}


@pytest.mark.parametrize("method", ["pairdistill", {"name": "kl", "objective": {"kl": 1, "pair_kl": 3}}])
def test_preferences_that_nobody_is_asked_for(tiny_beir: Path, method: Any) -> None:
    with pytest.raises(DistillirError, match=r"names none.*train-teacher --pairwise"):
        compose(Recipe.model_validate(_recipe(tiny_beir, method)))
