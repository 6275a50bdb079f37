"""Late-interaction and sparse students through the whole run, by one line of the recipe."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import run_recipe
from distillir.base.errors import DistillirError
from distillir.pipeline.named_models import check_named_models
from distillir.recipe import Recipe
from distillir.recipe.read import read_recipe

KINDS = ["multi-vector", "sparse"]


@pytest.fixture
def recipe(tiny_beir: Path, tmp_path: Path, minilm_path: str, small_models: Path) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": str(small_models / "base")}]},
        "student": {"model": minilm_path, "layers": 1, "max_length": 32},
        "candidates": {"from": "bm25", "depth": 8},
        "training": {"epochs": 2, "queries_per_step": 4, "candidates_per_query": 4},
        "evaluation": {"measures": ["nDCG@10"], "precision": "auto"},
    }


@pytest.mark.parametrize("kind", ["sparse"])
def test_a_plan_that_mines_anew_with_dark_examples(
    recipe: dict[str, Any], tmp_path: Path, mlm_path: str, kind: str, minilm_path: str
) -> None:
    recipe["student"] |= {"kind": kind} | ({"model": mlm_path} if kind == "sparse" else {})
    # The student itself, with options where it has any.
    recipe["candidates"]["from"] = ["bm25", {kind: {"first": "bm25"} if kind == "multi-vector" else {"max_length": 24}}]
    recipe["training"]["in_batch"] = True
    plan = [{"lists": {"top": 4}}, {"lists": {"top": 4}, "mine": True, "objective": "ranknet"}]
    recipe["method"] = {"name": "cl-drd", "plan": plan, "dark": {"reinforced": 2, "noisy": 1}}
    planned = run_recipe(recipe, tmp_path, "--dry-run")
    assert planned.returncode == 0 and "train, stage 2" in planned.stderr, planned.stderr
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    loader = {"multi-vector": "MultiVectorEncoder", "sparse": "SparseEncoder"}[kind]
    assert f"({loader} loads it)" in done.stderr and f"import {loader}" in (run / "student" / "README.md").read_text()
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert ("flops documents" in logged[-1]) == (kind == "sparse")
    assert 0 <= json.loads((run / "metrics.json").read_text())["after"]["nDCG@10"] <= 1
    # What was trained teaches a dense student.
    recipe["teacher"] = {"ensemble": [{kind: str(run / "student")}, "bm25"]}
    recipe["student"] = {"model": minilm_path, "layers": 1, "max_length": 32}
    recipe["candidates"]["from"] = {kind: str(run / "student")}
    del recipe["method"]
    (tmp_path / "next").mkdir()
    taught = run_recipe(recipe, tmp_path / "next")
    assert taught.returncode == 0 and "(SentenceTransformer loads it)" in taught.stderr, taught.stderr


@pytest.mark.parametrize(
    ("student", "said"),
    [
        ({"kind": "sparse"}, "has no masked-LM head"),
        ({"kind": "multi-vector", "towers": "separate"}, "student.towers: separate towers are for dense students"),
        ({"towers": "inference-free"}, "student.towers: inference-free queries are for sparse students"),
        ({"flops": {"queries": 0.1}}, "student.flops: the FLOPS regulariser is for sparse students"),
        ({"kind": "colbert"}, "student.kind"),
    ],
)
def test_bad_students_are_refused_in_one_line(
    recipe: dict[str, Any], tmp_path: Path, student: dict[str, Any], said: str
) -> None:
    recipe["student"] |= student
    done = run_recipe(recipe, tmp_path)
    lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert done.returncode == 2 and len(lines) == 1 and said in lines[0] and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"first_depth": 0}, "multi-vector: first_depth is 0; give a whole number above 0"),
        ({"max_length": -5}, "max_length is -5"),
        ({"first": "index", "probes": 0}, "probes is 0"),
        ({"first": "bm25", "probes": 4}, "probes without an index"),
        ({"first": "nonsense"}, "unknown first stage 'nonsense'"),
        ({"first": "dense"}, "dense without a model; write first: {dense: model}"),
        ({"first": {"bm25": {"k1": -1}}}, "multi-vector.first"),
    ],
)
def test_bad_first_stages_are_refused_before_anything_is_made(
    recipe: dict[str, Any], tmp_path: Path, source: dict[str, Any], said: str
) -> None:
    recipe["candidates"]["from"] = {"multi-vector": {"model": "somewhere", **source}}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    with pytest.raises(DistillirError) as told:
        read_recipe(path)
    assert said in str(told.value) and str(path) in str(told.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"teacher": {"multi-vector": "all-MiniLM-L6-v2"}}, "teacher.multi-vector: all-MiniLM-L6-v2: is a dense model"),
        ({"teacher": {"ensemble": ["bm25", {"sparse": "all-MiniLM-L6-v2"}]}}, "teacher.ensemble[1].sparse: all-MiniLM"),
        ({"from": {"sparse": "all-MiniLM-L6-v2"}}, "candidates.from: sparse: all-MiniLM-L6-v2: has no masked-LM head"),
        ({"from": {"dense": "./nowhere"}}, "candidates.from: dense: ./nowhere: is no model folder"),
    ],
)
def test_models_of_another_kind_are_noticed_first(recipe: dict[str, Any], change: dict[str, Any], said: str) -> None:
    recipe["candidates"]["from"] = change.pop("from", "bm25")
    with pytest.raises(DistillirError, match=re.escape(said)):
        check_named_models(Recipe.model_validate(recipe | change))
