"""Cross-encoder students through the whole run: trained, chosen by dev, ranking, teaching the next student."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sentence_transformers import CrossEncoder

from command_line import apart, kill_once, run_recipe
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.evaluation.measures import evaluate
from distillir.evaluation.significance import compare
from distillir.front_door.result import Result
from distillir.recipe.read import parse_recipe
from distillir.retrieval.trec import read_run
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teaching.teaching_set import open_teaching_set

JUDGED = Path(__file__).parents[2] / "recipes" / "reranker-from-judgements.yaml"


@pytest.fixture
def recipe(tiny_beir: Path, small_models: Path) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": str(small_models / "base"), "kind": "cross-encoder", "layers": 1, "max_length": 32},
        "candidates": {"from": "bm25", "depth": 8},
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 4},
        "evaluation": {"measures": ["nDCG@10"]},
    }


def _after(run: Path, collection: Collection) -> Run:
    return read_run(run / "runs" / "after.trec", collection)


def test_other_candidates_are_ranked_anew(
    recipe: dict[str, Any], tmp_path: Path, tiny: Collection, minilm_path: str
) -> None:
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    recipe["candidates"]["from"] = {"dense": minilm_path}
    refused = run_recipe(recipe, tmp_path)
    assert refused.returncode == 2 and "differs in candidates.from" in refused.stderr, refused.stderr
    done = run_recipe(recipe, tmp_path, "--anew")
    assert done.returncode == 0 and "To be made anew: run before training" in done.stderr, done.stderr
    # BM25 finds fewer.
    assert {len(rows) for rows in _after(tmp_path / "run", tiny).lists} == {len(tiny.corpus)}


def test_the_default_method_trains_one_that_ranks_and_teaches(
    recipe: dict[str, Any], tmp_path: Path, tiny: Collection
) -> None:
    recipe["training"] |= {"select": "dev", "select_queries": 5, "grad_cache": True, "token_budget": 200}
    planned = run_recipe(recipe, tmp_path, "--dry-run")
    assert planned.returncode == 0 and "rank the candidates of" in planned.stderr, planned.stderr
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0 and "(CrossEncoder loads it)" in done.stderr, done.stderr
    # Told before anything is paid for: the head, and what is longer than the model reads.
    assert "has no scoring head: the student gets a new one" in done.stderr
    assert "reads the first 32 tokens of query and document together: " in done.stderr
    run = tmp_path / "run"
    kept = yaml.safe_load((run / "recipe.yaml").read_text())
    assert kept["method"]["objective"]["kl"]["student_temperature"] == 1.0 and kept["training"]["in_batch"] is False
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["student"]["layers"] == 1 and metrics["student"]["pairs_per_second"] > 0
    page = (run / "report.html").read_text()
    assert "pairs a second" in page and "The first stage and the student" in page
    # The candidates in the order in which they were found are what it must be better than.
    mined = read_run(run / "runs" / "evaluation-candidates.trec", tiny)
    found, trained = (evaluate(each, tiny.qrels("test"), ["nDCG@10"]) for each in (mined, _after(run, tiny)))
    assert metrics["first_stage"] == pytest.approx(found.means)
    (against,) = metrics["against_first_stage"]
    assert against == pytest.approx(asdict(compare(found, trained, "nDCG@10")))
    told = f"First stage (the candidates' own order): {found.means['nDCG@10']:.3f} nDCG@10; the student is "
    assert told in done.stderr and told in repr(Result(run))
    card = (run / "student" / "README.md").read_text()
    assert (
        "activation is Identity" in card
        and "by margin_mse on the teacher's scale" in card
        and "text-ranking" in card
        and "cross-encoder reranker" in card
    )
    # What it ranks are the mined candidates, by the scores that CrossEncoder gives.
    after = _after(run, tiny)
    rows, scores = after.of(0)
    query = int(after.queries[0])
    assert sorted(rows.tolist()) == sorted(mined.select([query]).of(0)[0].tolist())
    model = CrossEncoder(str(run / "student"), device="cpu")
    pairs = [(tiny.queries.text(query), text) for text in tiny.corpus.texts(rows.tolist())]
    np.testing.assert_allclose(scores, model.predict(pairs), rtol=1e-5, atol=1e-5)
    taught = CrossEncoderTeacher(str(run / "student"), precision="float32", cache=tmp_path / "scores")
    np.testing.assert_allclose(taught.score(tiny, np.array([query]), [rows])[0], scores, rtol=1e-5, atol=1e-5)
    # It teaches a dense student.
    recipe |= {"teacher": {"cross-encoder": str(run / "student")}, "method": "kl"}
    recipe["student"] = {**recipe["student"], "kind": "dense"}
    recipe["training"] = {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 4}
    next_one = run_recipe(recipe, tmp_path / "next")
    assert next_one.returncode == 0 and "(SentenceTransformer loads it)" in next_one.stderr, next_one.stderr


@pytest.fixture
def judged(recipe: dict[str, Any]) -> dict[str, Any]:
    """The repository's recipe of judgements alone, on the tiny collection."""
    own: dict[str, Any] = yaml.safe_load(JUDGED.read_text(encoding="utf-8"))
    small = {"candidates": {"from": "bm25", "depth": 8}, "training": recipe["training"], "queries": {"limit": None}}
    return {
        **own,
        "collection": recipe["collection"],
        "student": {**own["student"], **recipe["student"]},
        **{key: {**own[key], **value} for key, value in small.items()},
    }


@pytest.mark.parametrize("objective", ["info_nce", "bce"])
def test_judgements_alone_teach_a_cross_encoder(
    judged: dict[str, Any], tmp_path: Path, tiny: Collection, objective: str
) -> None:
    assert "teacher" not in judged
    judged["objective"] = objective
    judged["training"] |= {"epochs": 10, "learning_rate": 1e-3}
    done = run_recipe(judged, tmp_path)
    assert done.returncode == 0 and "(CrossEncoder loads it)" in done.stderr, done.stderr
    run = tmp_path / "run"
    logged = [json.loads(line)["loss"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert np.mean(logged[-5:]) < np.mean(logged[:5]) - 0.1, logged
    metrics = json.loads((run / "metrics.json").read_text())
    assert "teacher" not in metrics and not open_teaching_set(run / "teaching", tiny).has_scores
    assert all(metrics[part]["nDCG@10"] > 0 for part in ("before", "after", "first_stage"))


def test_judgements_alone_after_a_kill_then_as_a_teacher(
    judged: dict[str, Any], tmp_path: Path, tiny: Collection
) -> None:
    """Killed in its training and run again: the weights of a run left alone, which the next recipe learns from."""
    judged["objective"] = {"bce": {"positive_weight": 3.0}}
    judged["training"] |= {"epochs": 4, "checkpoint_seconds": 0, "precision": "float32"}
    assert run_recipe(judged, tmp_path / "whole").returncode == 0
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / "recipe.yaml").write_text(yaml.safe_dump(judged), encoding="utf-8")
    run = folder / "run"
    process = apart("run", folder / "recipe.yaml", "--output", run)
    kill_once(process, lambda: list(run.glob("work/checkpoints*/*/complete")))
    assert not (run / "student").exists(), "it was trained before it was killed"
    assert run_recipe(judged, folder).returncode == 0
    first, second = (folder / "run/student/model.safetensors" for folder in (tmp_path / "whole", folder))
    assert first.read_bytes() == second.read_bytes()
    reader = CrossEncoder(str(run / "student"), device="cpu")
    assert reader.predict([(tiny.queries.text(0), tiny.corpus.texts([0])[0])]).shape == (1,)
    judged |= {"teacher": {"cross-encoder": str(run / "student")}, "objective": "ranknet"}
    judged["training"] |= {"epochs": 1, "sample": "top"}
    done = run_recipe(judged, tmp_path / "next")
    assert done.returncode == 0, done.stderr
    assert "teacher" in json.loads((tmp_path / "next" / "run" / "metrics.json").read_text())


@pytest.mark.parametrize(
    ("objective", "splits", "said"),
    [
        ("bce", [], "has no split 'train' to learn from (it has no judgements); add judgements, all that bce learns"),
        ("info_nce", ["test"], "to learn from (splits: test); add judgements, all that info_nce learns from"),
        ("info_nce", ["train"], "(splits: train); add judgements of such a split, or name a teacher"),
        ("bce", ["dev", "test"], "(splits: dev, test); write queries: dev, or add judgements"),
        ("ranknet", ["train", "test"], "teacher: is missing"),
    ],
)
def test_judgements_that_lack_are_told_in_a_line(
    judged: dict[str, Any], tmp_path: Path, tiny_beir: Path, objective: str, splits: list[str], said: str
) -> None:
    shutil.copytree(tiny_beir, tmp_path / "own", ignore=shutil.ignore_patterns("qrels"))
    for split in splits:
        (tmp_path / "own" / "qrels").mkdir(exist_ok=True)
        shutil.copy(tiny_beir / "qrels" / f"{split}.tsv", tmp_path / "own" / "qrels")
    judged |= {"collection": str(tmp_path / "own"), "objective": objective}
    done = run_recipe(judged, tmp_path)
    lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert done.returncode == 2 and len(lines) == 1 and said in lines[0], done.stderr


def test_stages_with_dark_examples(recipe: dict[str, Any], tmp_path: Path, small_models: Path) -> None:
    recipe["student"]["model"] = str(small_models / "cross-encoder")
    plan = [{"lists": {"top": 4}}, {"lists": {"top": 4}, "objective": {"ranknet": 1.0, "lambda_mrr": 1.0}}]
    recipe["method"] = {"name": "cl-drd", "plan": plan, "dark": {"reinforced": 2, "noisy": 1}}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0 and "scoring head" not in done.stderr, done.stderr
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert {"ranknet", "lambda_mrr"} <= logged[-1].keys() and any("dark" in name for name in logged[-1])


def test_layers_follow_a_cross_encoders(recipe: dict[str, Any], tmp_path: Path, small_models: Path) -> None:
    recipe["teacher"] = {"cross-encoder": str(small_models / "cross-encoder")}
    recipe["method"] = {"name": "lead", "layers": {"count": 1, "joint": False}}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert logged[-1]["layers"] > 0
    quality = json.loads((tmp_path / "run" / "layer_quality.json").read_text())
    assert len(quality["after"]) == 1 and len(quality["teacher"]) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"training": {"in_batch": True}}, "training.in_batch: the student reads query and document together"),
        ({"candidates": {"from": ["bm25", "cross-encoder"]}}, "candidates.from"),
        ({"method": {"name": "kl", "rounds": 2}}, "they rank what others find; take mine and rounds out"),
        ({"student": {"towers": "separate"}}, "student.towers: separate towers are for dense students"),
    ],
)
def test_what_it_cannot_do_is_refused_with_the_reason(
    recipe: dict[str, Any], tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    for key, value in change.items():
        recipe[key] = {**recipe[key], **value} if isinstance(recipe.get(key), dict) else value
    done = run_recipe(recipe, tmp_path, "--dry-run")
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_methods_that_compare_in_batch_do_without(recipe: dict[str, Any]) -> None:
    for method in ("auto", "lead", "kl"):
        recipe["method"] = {"name": method}
        if method == "lead":
            recipe["method"]["layers"] = {"teacher": {"cross-encoder": "any"}}
        assert parse_recipe(recipe).training.in_batch is False
