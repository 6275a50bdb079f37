"""A pairwise teacher's preferences through the whole run, beside any objective and plan."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.composition.compose import compose
from distillir.pipeline.run_folder import RunFolder
from distillir.recipe import Recipe
from small_models import few_words, two_layers
from tiny_language_models import let_it_end, save_gpt2


@pytest.fixture(scope="module")
def pairwise(tiny_beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("teacher") / "pairwise"
    flags = ["--pairwise", "--max-pairs", "48", "--max-length", "64", "--negatives-from", "bm25"]
    done = distillir("train-teacher", tiny_beir, "-o", output, "--base", few_words(), *flags)
    assert done.returncode == 0 and "pairs: {teacher: {cross-encoder:" in done.stderr, done.stderr
    return output


def _recipe(tiny_beir: Path, method: Any, **more: Any) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": str(two_layers() / "base")}]},
        "student": {"model": few_words(), "layers": 1, "max_length": 32},
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
    done = distillir("run", str(path), "--output", str(run))
    assert done.returncode == 0, done.stderr
    assert "position bias" in done.stderr and "128 pairs asked" in done.stderr
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["pairs"]["pairs"] == 64 and metrics["pairs"]["position_bias"] is not None
    assert metrics["pair_calls"]["asked"] >= 128 and "stage 2" in metrics["pairs"]
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert "pair_kl" in logged[0] and {"ranknet", "pair_kl"} <= set(logged[-1])
    again = distillir("score", str(path), "--output", str(run))
    assert again.returncode == 0 and "asked" not in again.stderr
    # What `pairs` holds must be of this recipe, also where training alone is asked for.
    shutil.rmtree(run / "student")
    shutil.rmtree(run / "work")
    (run / "pairs" / "pairs.parquet").unlink()
    missing = distillir("train", str(path), "--output", str(run))
    assert missing.returncode and "run `distillir score` with this recipe first" in missing.stderr, missing.stderr
    pq.write_table(pa.table({"list": [0]}), run / "pairs" / "pairs.parquet")
    damaged = distillir("train", str(path), "--output", str(run))
    assert damaged.returncode and "was made of another teaching set" in damaged.stderr, damaged.stderr


def test_what_is_compared(tiny_beir: Path) -> None:
    pairs = {"teacher": {"cross-encoder": "folder"}}

    def composed(method: Any, **more: Any) -> Any:
        return compose(Recipe.model_validate(_recipe(tiny_beir, method, **more)))

    dense = composed({"name": "pairdistill", "pairs": pairs})
    assert dense.name == "pairdistill" and dense.objective.weights == {"kl": 1.0, "pair_kl": 6.0}
    late = composed({"name": "pairdistill", "pairs": pairs}, student={"model": "m", "kind": "multi-vector"})
    assert late.objective.weights == {"kl": 1.0, "info_nce": 1.0, "pair_kl": 3.0}
    options = {objective.name: settings for objective, _, settings in late.objective.parts}
    assert options["kl"]["own_list"] is True and options["info_nce"]["own_negatives"] is False
    training = late.stages[0].training
    assert training.in_batch == "all" and training.pseudo_positives == "always" and training.sample == "random"
    beside = composed({"name": "ckl", "plan": "cl-drd", "pairs": pairs}, candidates={"from": "bm25", "depth": 30})
    assert beside.name == "ckl + pairs, plan cl-drd" and beside.objective.weights == {"ckl": 1.0, "pair_kl": 1.0}
    own = composed({"name": "kl", "pairs": pairs}, objective={"kl": 1.0, "pair_kl": 7.0})
    assert own.objective.weights == {"kl": 1.0, "pair_kl": 7.0}


@pytest.mark.parametrize("method", ["pairdistill", {"name": "kl", "objective": {"kl": 1, "pair_kl": 3}}])
def test_preferences_that_nobody_is_asked_for(tiny_beir: Path, method: Any) -> None:
    with pytest.raises(DistillirError, match=r"names none.*train-teacher --pairwise"):
        compose(Recipe.model_validate(_recipe(tiny_beir, method)))


def test_rounds_of_a_plan(tiny_beir: Path) -> None:
    pairs = {"teacher": {"cross-encoder": "folder"}}

    def composed(**more: Any) -> Any:
        return compose(Recipe.model_validate(_recipe(tiny_beir, {"name": "pairdistill", "pairs": pairs, **more})))

    two = composed(rounds=2)
    assert two.name == "pairdistill, 2 rounds" and [stage.mine for stage in two.stages] == [False, True]
    assert [stage.restart for stage in composed(rounds=3, restart=True).stages] == [False, True, True]
    both = composed(rounds=2, plan=[{"lists": "plain"}, {"lists": {"top": 4}}], name="kl")
    assert [stage.mine for stage in both.stages] == [False, False, True, False]
    with pytest.raises(ValueError, match="leaves no room for rounds"):
        composed(rounds=2, stages="together")
    with pytest.raises(ValueError, match="restart is for rounds"):
        composed(restart=True)


def test_a_run_goes_on_with_another_budget(tiny_beir: Path, tmp_path: Path) -> None:
    def recipe(**more: Any) -> Recipe:
        server = {"server": "http://127.0.0.1:9/v1", "model": "m", **more}
        return Recipe.model_validate(
            _recipe(tiny_beir, {"name": "kl", "pairs": {"teacher": {"prompt": server}, "per_query": 2}})
        )

    RunFolder(tmp_path / "run", recipe(budget={"calls": 5}))
    RunFolder(tmp_path / "run", recipe(budget={"calls": 50}, in_flight=2, retries=0))
    with pytest.raises(DistillirError, match="of another recipe"):
        RunFolder(tmp_path / "run", recipe(document_words=3))
    # A folder of an earlier version, whose recipe lacks a key that has come since.
    file = tmp_path / "run" / "recipe.yaml"
    value = yaml.safe_load(file.read_text())
    del value["method"]["layers"], value["evaluation"]["held_out"]
    file.write_text(yaml.safe_dump(value))
    RunFolder(tmp_path / "run", recipe(budget={"calls": 5}))


@pytest.mark.parametrize("queries", ["unjudged", "none"])
def test_without_labels_and_without_queries(
    tiny_beir: Path, pairwise: Path, tmp_path: Path, queries: str, whole_minilm: str
) -> None:
    """Rounds from the start, pairs where the student errs, held-out queries: on texts alone."""
    folder = tmp_path / "texts"
    folder.mkdir()
    shutil.copy(tiny_beir / "corpus.jsonl", folder)
    if queries == "unjudged":
        shutil.copy(tiny_beir / "queries.jsonl", folder)
        wanted: dict[str, Any] = {"split": None, "unjudged": True}
    else:
        model = save_gpt2(whole_minilm, tmp_path / "gpt2")
        let_it_end(model)
        generator = {"model": model, "max_tokens": 8}
        wanted = {"split": None, "sentences": 30, "generated": 5, "generator": generator, "round_trip": 3}
    pairs = {"teacher": {"cross-encoder": str(pairwise)}, "per_query": 3, "choice": "disagreement"}
    method = {"name": "pairdistill", "pairs": pairs, "rounds": 2, "restart": True}
    value = _recipe(folder, method, queries=wanted)
    value["evaluation"] = {"split": None, "held_out": 8, "measures": ["nDCG@10"], "precision": "auto"}
    value["training"]["queries_per_step"] = 2
    path, run = tmp_path / "recipe.yaml", tmp_path / "run"
    path.write_text(yaml.safe_dump(value))
    done = distillir("run", str(path), "--output", str(run))
    assert done.returncode == 0, done.stderr
    metrics = json.loads((run / "metrics.json").read_text())
    # The teacher judges the held-out queries: it agrees with itself.
    assert (
        metrics["split"] == "held-out (judged by the teacher)"
        and metrics["queries"] == 8
        and metrics["teacher"]["nDCG@10"] == 1.0
    )
    assert set(metrics["rounds"]) == {"2"} and "stage 2" in metrics["pairs"]
    trained = {line.split()[0] for line in (run / "runs" / "candidates.trec").read_text().splitlines()}
    held_out = {line.split()[0] for line in (run / "runs" / "after.trec").read_text().splitlines()}
    assert len(held_out) == 8 and not trained & held_out
    if queries == "none":
        assert metrics["generated"]["round_trip"] == 3 and metrics["generated"]["kept"] < metrics["generated"]["made"]
    page = (run / "report.html").read_text()
    assert "judged by the teacher" in page and "Round" in page


def test_no_judgement_and_no_way_out_is_told(tiny_beir: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_beir / "corpus.jsonl", tmp_path)
    shutil.copy(tiny_beir / "queries.jsonl", tmp_path)
    path = tmp_path / "recipe.yaml"
    for change, said in (
        ({}, "(it has no judgements); write evaluation: {split: null}"),
        ({"evaluation": {"split": None}, "queries": {"split": None, "unjudged": True}}, "choose at most 15"),
        ({"evaluation": {"split": None}, "teacher": None, "method": "info_nce"}, "the recipe has none; name a split"),
    ):
        path.write_text(
            yaml.safe_dump({**_recipe(tmp_path, "kl"), "queries": {"split": None, "sentences": 4}, **change})
        )
        done = distillir("run", str(path), "--output", str(tmp_path / "run"))
        assert done.returncode and said in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_dark_examples_as_members_of_pairs(tiny_beir: Path, pairwise: Path, tmp_path: Path) -> None:
    teacher = {"cross-encoder": str(pairwise)}
    method = {"name": "adam", "dark": {"reinforced": 3, "noisy": 3}, "pairs": {"teacher": teacher, "dark": 4}}
    path, run = tmp_path / "recipe.yaml", tmp_path / "run"
    path.write_text(yaml.safe_dump(_recipe(tiny_beir, method)))
    done = distillir("run", str(path), "--output", str(run))
    assert done.returncode == 0 and "Pairs of dark examples: " in done.stderr, done.stderr
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["dark_pairs"]["pairs"] > 20 and metrics["method"] == "adam + pairs"
    logged = json.loads((run / "log.jsonl").read_text().splitlines()[0])
    assert {"kl", "pair_kl", "dark kl", "dark pair_kl"} <= set(logged)
    with pytest.raises(DistillirError, match=r"method.pairs.dark: pairs of dark examples are wanted"):
        compose(Recipe.model_validate(_recipe(tiny_beir, {"name": "kl", "pairs": {"teacher": teacher, "dark": 4}})))
