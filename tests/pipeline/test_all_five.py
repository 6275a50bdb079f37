"""The five methods in one recipe: dark examples, stages of graded lists, weighted KL, pairs, layers."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.recipe.read import parse_recipe

FIVE: dict[str, Any] = {
    "teacher": {"ensemble": ["bm25", {"dense": "MINILM"}]},
    "student": {"model": "MINILM", "layers": 2, "max_length": 32},
    "candidates": {"from": "bm25", "depth": 8, "add_judged": True},
    "method": {
        "name": "ckl",
        "plan": [{"lists": {"top": 2, "hard": 2, "remaining": 2}}, {"lists": {"top": 6}, "learning_rate": 1e-5}],
        "dark": {"reinforced": 2, "noisy": 2, "count": 2},
        "pairs": {"teacher": {"difference": {"teacher": {"dense": "MINILM"}}}, "documents": "as_chosen"},
        "layers": {"teacher": {"dense": "MINILM"}, "count": 2},
    },
    "objective": {"ckl": {"gamma": 0.5, "student_temperature": 0.05}},
    "training": {"epochs": 1, "queries_per_step": 4},
    "evaluation": {"measures": ["nDCG@10"], "precision": "auto"},
}
PARTS = {"ckl", "dark ckl", "pair_kl", "layers"}


@pytest.mark.parametrize("joint", [False, True])
def test_all_five_at_once(joint: bool, tiny_beir: Path, minilm_path: str, tmp_path: Path) -> None:
    method = {**FIVE["method"], "layers": {**FIVE["method"]["layers"], "joint": joint}}
    path, run = tmp_path / "recipe.yaml", tmp_path / "run"
    recipe = yaml.safe_dump({**FIVE, "collection": str(tiny_beir), "method": method})
    path.write_text(recipe.replace("MINILM", minilm_path))
    done = distillir("run", str(path), "--output", str(run))
    assert done.returncode == 0, done.stderr
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert {line["stage"] for line in logged} == {1, 2}
    assert all(set(line) >= PARTS for line in logged)
    assert all(sum(line[part] for line in logged) > 0 for part in PARTS)
    said = json.loads((run / "metrics.json").read_text())["method"]
    assert all(part in said for part in ("ckl", "dark examples", "pairs", "layers", "plan own"))
    assert (run / "teacher").is_dir() == joint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layers": {}}, "layers are wanted, and the recipe's teacher"),
        ({"pairs": {"teacher": None}}, "method.pairs.teacher"),
        ({"dark": {"reinforced": 0, "noisy": 0}}, "none is made"),
        ({"plan": [{"lists": {"top": 30}}]}, "takes lists of 30, and candidates.depth is 8"),
        ({"name": "pairdistill", "pairs": None}, "pairdistill compares a pairwise teacher's preferences"),
    ],
)
def test_a_missing_signal_is_refused_before_anything_is_loaded(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillirError) as error:
        parse_recipe({**FIVE, "collection": "nowhere", "method": {**FIVE["method"], **change}})
    assert said in str(error.value) and "\n" not in str(error.value)


def test_dark_examples_need_a_teacher() -> None:
    with pytest.raises(DistillirError, match="dark examples are scored by the teacher, and the recipe has none"):
        parse_recipe({**FIVE, "collection": "nowhere", "teacher": None, "teaching": "nowhere"})
