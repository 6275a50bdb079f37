"""A kind of student from outside the package that has no vectors: trained, measured and reported."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from command_line import Done, distillir
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.evaluation.index_size import index_size
from distillir.evaluation.search import search_student
from distillir.recipe.read import parse_recipe
from distillir.retrieval.trec import read_run
from distillir.specs import allow_code
from distillir.students.load import load_student
from distillir.students.loaded import student_of

KIND = "own_reranker:RERANKER"
SELECT = {"select": "dev", "select_queries": 5}


@pytest.fixture
def recipe(
    tiny_beir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minilm_path: str, small_models: Path
) -> dict[str, Any]:
    monkeypatch.delitem(sys.modules, "own_reranker", raising=False)
    shutil.copy(Path(__file__).with_name("own_reranker.py"), tmp_path)
    monkeypatch.chdir(tmp_path)
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": str(small_models / "base")}]},
        "student": {"model": minilm_path, "kind": KIND, "layers": 1, "max_length": 48},
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
    with pytest.raises(DistillirError, match="cross-encoder model, which searches no corpus"):
        search_student("run/student", tiny, np.arange(2))
    with pytest.raises(DistillirError, match="cross-encoder model, and has no index"):
        index_size("run/student", tiny, np.arange(2))
    # What it ranks are the mined candidates, in the order of its own scores.
    after = read_run(Path("run/runs/after.trec"), tiny)
    mined = read_run(Path("run/runs/evaluation-candidates.trec"), tiny)
    for place, query in enumerate(after.queries.tolist()):
        rows, scores = after.of(place)
        assert sorted(rows.tolist()) == sorted(mined.select([query]).of(0)[0].tolist()) and np.all(np.diff(scores) <= 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"training": {"in_batch": True}}, "training.in_batch: the student reads query and document together"),
        ({"candidates": {"from": ["bm25", "dense"]}}, "and that is own_reranker:RERANKER; write {dense: model}"),
        ({"method": {"name": "kl", "rounds": 2}}, "they rank what others find; take mine and rounds out"),
        ({"objective": "margin_mse"}, "margin_mse is not for reranker students: their logits have no scale"),
        ({"student": {"towers": "separate"}}, "student.towers: separate towers are for dense students"),
        ({"student": {"kind": "own_reranker:RERANK"}}, "own_reranker.py has no RERANK; did you mean 'RERANKER'"),
    ],
)
def test_what_it_cannot_do_is_refused_with_the_reason(
    recipe: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    for key, value in change.items():
        recipe[key] = {**recipe[key], **value} if isinstance(recipe.get(key), dict) else value
    done = _run(recipe, "--dry-run", "--allow-code")
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_the_default_method_leaves_out_what_it_cannot_do(recipe: dict[str, Any]) -> None:
    del recipe["candidates"]
    with allow_code():
        read = parse_recipe(recipe)
    assert read.method.name == "auto" and read.training.in_batch is False and read.candidates.from_ == ["bm25"]
    assert read.method.objective["kl"]["student_temperature"] == "auto"


def test_only_wanted_pairs_are_scored(recipe: dict[str, Any], minilm_path: str) -> None:
    with allow_code():
        model = load_student(minilm_path, kind=KIND, layers=1, max_length=16, device="cpu").eval()
        student = student_of(model)
    read = []
    for task in ("query", "document"):
        features = model.tokenizer(["honey bees", "far away moons"], padding=True, return_tensors="pt")
        read.append(student.embed(model, features, [], task=task))
    every = student.scores(*read)
    wanted = torch.tensor([[True, False], [False, True]])
    some = student.scores(read[0], read[1], wanted)
    torch.testing.assert_close(some, torch.where(wanted, every, 0.0))
    expected = model.predict([("honey bees", "far away moons")], activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(every[0, 1].item(), expected[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("recompute", [False, True])
def test_pairs_in_chunks_give_the_same_scores_and_gradients(
    recipe: dict[str, Any], minilm_path: str, recompute: bool
) -> None:
    with allow_code():
        model = load_student(minilm_path, kind=KIND, layers=1, max_length=16, device="cpu").eval()
        student = student_of(model)
    weight = model.transformers_model.bert.embeddings.word_embeddings.weight
    found = []
    for budget in (10_000, 20):
        student.budget = budget
        texts = [
            student.embed(
                model, model.tokenizer(each, padding=True, return_tensors="pt"), [], task=task, recompute=again
            )
            for each, task, again in (
                (["honey bees", "far away moons and tides"], "query", False),
                (["wax", "bees sweat wax from glands", "tides"], "document", recompute),
            )
        ]
        scores = student.scores(texts[0], texts[1])
        found.append((scores, *torch.autograd.grad((scores**2).sum(), weight)))
    for whole, cut in zip(*found, strict=True):
        torch.testing.assert_close(cut, whole, rtol=1e-4, atol=1e-6)
