"""Runs that choose the best student: by a dev split, by training queries held out, with and without judgements."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from command_line import apart, distillir, kill_once
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.text_identity import text_keys
from distillir.composition.compose import compose
from distillir.dry_run.encoding import Encodings
from distillir.dry_run.folder import open_dry
from distillir.dry_run.plan import plan
from distillir.pipeline.mine import mine_stage
from distillir.pipeline.open_run import open_run
from distillir.pipeline.products import PRODUCTS
from distillir.pipeline.provenance import affected
from distillir.pipeline.queries import evaluation_queries, training_queries
from distillir.pipeline.run import run
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.score import score_stage
from distillir.pipeline.selection import pool, selection
from distillir.pipeline.selection_queries import (
    SelectionQueries,
    dev_queries,
    left_out_queries,
    most_held_out,
    selection_queries,
    selects,
)
from distillir.recipe import Recipe
from distillir.retrieval.trec import read_run
from distillir.teaching.teaching_set import open_teaching_set
from distillir.teaching.writer import build_teaching_set

HELD_OUT = {"queries": "train", "evaluation": {"split": "dev", "measures": ["nDCG@10"]}}


@pytest.fixture
def value(tiny_beir: Path, minilm_path: str, small_models: Path) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": str(small_models / "base")}]},
        "student": {"model": minilm_path, "layers": 1, "max_length": 32},
        "candidates": {"from": ["bm25", "dense"], "depth": 8},
        "training": {
            **{"epochs": 3, "queries_per_step": 4, "candidates_per_query": 4, "precision": "float32"},
            **{"select": "dev", "select_queries": 4, "select_measures": 3},
        },
        "evaluation": {"measures": ["nDCG@10"]},
    }


def _file(value: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def _metrics(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output / "metrics.json").read_text())
    return found


def _set(*settings: str) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def test_published_methods_stay_as_they_are(value: dict[str, Any]) -> None:
    def wanted(method: str, select: str | None) -> bool:
        training = {} if select is None else {"select": select}
        return selects(Recipe.model_validate({**value, "method": method, "training": training}))

    assert [wanted(method, None) for method in ("auto", "kl", "cl-drd")] == [True, False, False]
    assert wanted("kl", "dev") and wanted("auto", "dev")
    assert not wanted("auto", "none") and not wanted("kl", "auto")


def test_what_a_key_of_selection_makes_anew() -> None:
    assert [product.name for product in affected("training.select")] == ["selection candidates", "student"]
    assert [product.name for product in affected("training.patience")] == ["student"]
    names = [product.name for product in PRODUCTS]
    assert names.index("selection candidates") < names.index("student")


def test_dev_queries_are_a_sample_that_is_neither_learnt_from_nor_reported(
    value: dict[str, Any], tmp_path: Path
) -> None:
    with open_run(tmp_path / "run", Recipe.model_validate(value), "mine") as folder:
        collection, chosen = folder.collection, dev_queries(folder)
        assert chosen is not None and chosen.split == "dev" and len(chosen.rows) == 4
        assert set(chosen.rows) <= set(collection.qrels("dev").query_rows)
        again = dev_queries(RunFolder(tmp_path / "other", Recipe.model_validate({**value, "seed": 3})))
        assert again is not None and again.rows.tolist() != chosen.rows.tolist()
        texts = text_keys(collection.queries)
        others = np.concatenate([training_queries(folder), evaluation_queries(folder)])
        assert not np.isin(texts[chosen.rows], texts[others]).any()
        mine_stage(folder)
        found = read_run(folder.selection_candidates, collection)
        assert found.queries.tolist() == chosen.rows.tolist() and all(len(rows) == 16 for rows in found.lists)


@pytest.mark.parametrize(("queries", "evaluation"), [("dev", "test"), ("train", "dev")])
def test_a_dev_split_that_is_learnt_from_or_reported_is_not_chosen_by(
    value: dict[str, Any], tmp_path: Path, queries: str, evaluation: str
) -> None:
    recipe = Recipe.model_validate({**value, "queries": queries, "evaluation": evaluation})
    assert dev_queries(RunFolder(tmp_path / "run", recipe)) is None


def test_a_run_by_a_dev_split_and_a_student_that_training_ruins(value: dict[str, Any], tmp_path: Path) -> None:
    """The start is kept and said; another selection is another recipe; report and metrics show the choice."""
    output, path = tmp_path / "run", _file(value, tmp_path)
    ruin = _set("training.learning_rate=0.05", "training.patience=1")
    done = distillir("run", path, "--output", output, *ruin)
    assert done.returncode == 0, done.stderr
    assert "chosen by 4 queries of dev and 62 documents" in done.stderr
    assert "the student before training was best: it is kept" in done.stderr
    metrics = _metrics(output)
    found = metrics["selection"]
    assert (found["split"], found["queries"], found["pool"], found["held_out"]) == ("dev", 4, 62, 0)
    assert found["best_step"] == 0 and found["stopped_early"] and [m[0] for m in found["measures"]] == [0, 4]
    assert metrics["split"] == "test" and metrics["before"] == metrics["after"]
    html = (output / "report.html").read_text()
    assert "on 4 queries of dev, which it did not learn from" in html and "Measures on dev during training" in html
    assert "the student as it was before training (stopped early)" in html
    refused = distillir("run", path, "--output", output, *ruin, *_set("training.select=none"))
    assert refused.returncode == 2 and "differs in training.select" in refused.stderr
    gentle = _set("training.select=none", "training.epochs=1")
    anew = distillir("run", path, "--output", output, *gentle, "--anew")
    assert anew.returncode == 0 and "To be made anew: selection candidates" in anew.stderr
    assert "To be made anew: candidates" not in anew.stderr
    assert "selection" not in _metrics(output) and not (output / "runs" / "selection-candidates.trec").exists()


def test_training_queries_are_held_out_where_no_dev_split_is_free(value: dict[str, Any], tmp_path: Path) -> None:
    """And the teaching set of that run, brought to another one: the same of its lists are held out."""
    recipe = Recipe.model_validate({**value, **HELD_OUT})
    run(recipe, tmp_path / "run")
    found = _metrics(tmp_path / "run")["selection"]
    assert (found["split"], found["queries"], found["held_out"]) == ("held-out training queries", 4, 4)
    assert found["steps"] == 3 * (16 - 4) // 4 and found["measures"][-1][0] <= found["steps"]
    assert not (tmp_path / "run" / "runs" / "selection-candidates.trec").exists()
    folder = RunFolder(tmp_path / "run", recipe)
    taught = open_teaching_set(folder.teaching, folder.collection)
    chosen = selection_queries(folder, taught)
    made = selection(folder, compose(recipe), taught)
    assert chosen is not None and made is not None and chosen.rows.tolist() == made.queries.tolist()
    assert set(made.queries) <= set(taught.queries) and not set(made.queries) & set(evaluation_queries(folder))
    assert set(zip(made.qrels.queries.tolist(), made.qrels.documents.tolist(), strict=True)) == {
        (query, document)
        for query in made.queries.tolist()
        for document in folder.collection.qrels("train").relevant(query).tolist()
    }
    brought = {name: part for name, part in {**value, **HELD_OUT}.items() if name not in ("teacher", "candidates")}
    run(Recipe.model_validate({**brought, "teaching": str(folder.teaching)}), tmp_path / "brought")
    again = _metrics(tmp_path / "brought")["selection"]
    assert {**again, "seconds": 0} == {**found, "seconds": 0}


def test_without_judgements_the_teachers_best_counts(value: dict[str, Any], tmp_path: Path) -> None:
    recipe = Recipe.model_validate({**value, **HELD_OUT, "queries": {"split": None, "sentences": 20}})
    with open_run(tmp_path / "run", recipe, "score") as folder:
        mine_stage(folder)
        score_stage(folder)
        taught = open_teaching_set(folder.teaching, folder.collection)
        made = selection(folder, compose(recipe), taught)
        assert made is not None and len(made.queries) == 4
        places = [taught.queries.tolist().index(query) for query in made.queries.tolist()]
        best = [int(taught.documents(place)[taught.scores(place).argmax()]) for place in places]
        assert made.qrels.documents.tolist() == best and np.isin(best, made.documents).all()


@pytest.mark.parametrize("kind", ["multi-vector", "sparse"])
def test_other_kinds_in_a_plan_of_stages(value: dict[str, Any], tmp_path: Path, kind: str, mlm_path: str) -> None:
    """Each stage keeps its best, by the same queries and documents."""
    student = {"model": mlm_path} if kind == "sparse" else value["student"]
    plan_of_two = [{"epochs": 1}, {"epochs": 2}]
    recipe = Recipe.model_validate(
        {
            **value,
            "student": {**student, "kind": kind, "max_length": 32},
            "candidates": {"from": "bm25", "depth": 8},
            "method": {"name": "kl", "plan": plan_of_two},
            "training": {**value["training"], "epochs": 1, "select_measures": 2, "patience": None},
        }
    )
    run(recipe, tmp_path / "run")
    found = _metrics(tmp_path / "run")["selection"]
    assert set(found["stages"]) == {"1", "2"} and found["pool"] == 62
    first, second = found["stages"]["1"], found["stages"]["2"]
    best = dict(map(tuple, first["measures"]))[first["best_step"]]
    # The second stage begins with what the first one has kept.
    assert second["measures"][0] == [0, pytest.approx(best, abs=1e-6)]
    assert found["best_step"] == second["best_step"]
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    told = [[e["step"], e["dev_nDCG@10"]] for e in logged if e["stage"] == 2 and "dev_nDCG@10" in e]
    assert told == second["measures"]
    html = (tmp_path / "run" / "report.html").read_text()
    assert "Stage 1: " in html and "Stage 2: " in html


def test_nothing_to_choose_by_is_one_line_or_off(value: dict[str, Any], tmp_path: Path) -> None:
    value["training"]["select_queries"] = 160
    done = distillir("run", _file({**value, **HELD_OUT}, tmp_path), "--output", tmp_path / "run")
    assert done.returncode == 2 and not (tmp_path / "run").exists()
    lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert len(lines) == 1 and "training.select: there is nothing to choose the best student by" in lines[0]
    with pytest.raises(DistillirError, match="nothing to choose the best student by"):
        open_dry(tmp_path / "dry", Recipe.model_validate({**value, **HELD_OUT}), tmp_path / "scratch")


def test_how_many_are_held_out(value: dict[str, Any]) -> None:
    recipe = Recipe.model_validate({**value, "training": {"select": "dev"}})
    assert [most_held_out(recipe, lists) for lists in (127, 128, 400, 1000, 5000)] == [0, 32, 32, 50, 160]


def test_a_pool_holds_what_is_relevant_and_no_more_than_it_may() -> None:
    lists = [np.arange(100 * query, 100 * query + 30) for query in range(10)]
    relevant = [rows[-1:] for rows in lists]

    def made(size: int) -> set[int]:
        return set(pool(lists, relevant, size, 10_000, np.random.default_rng(0)).tolist())

    assert {int(rows[0]) for rows in relevant} < made(64)
    assert len(made(64)) == 64 and len(made(400)) == 400 and len(made(5)) == 10
    in_lists = [row for row in made(400) if row < 1000 and row % 100 < 30]
    assert 170 <= len(in_lists) < 200, "16 candidates a query, its relevant one, and a few by chance"
    assert made(64) == made(64)


def test_a_dry_run_counts_what_is_held_out_and_the_time_of_measuring(value: dict[str, Any], tmp_path: Path) -> None:
    def steps(changed: dict[str, Any], name: str) -> dict[str, str]:
        dry = open_dry(tmp_path / name, Recipe.model_validate({**value, **changed}), tmp_path / f"scratch-{name}")
        return {step.stage: step.work for step in plan(dry, Encodings())}

    by_dev, held_out = steps({}, "dev"), steps(HELD_OUT, "held-out")
    assert by_dev["mine"].endswith(", 16 for 4 queries of dev")
    assert "12 steps of 4 x 4; measured at most 4 times, 4 queries on 62 documents" in by_dev["train"]
    assert "9 steps of 4 x 4; 4 queries held out; measured at most 4 times" in held_out["train"]


def test_killed_in_the_middle_and_run_again(value: dict[str, Any], tmp_path: Path) -> None:
    path, settings = _file(value, tmp_path), _set("training.patience=null", "training.checkpoint_seconds=0")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert distillir("run", path, "--output", whole, *settings).returncode == 0
    process = apart("run", path, "--output", killed, *settings)
    kill_once(process, lambda: len(list(killed.glob("work/checkpoints/checkpoint-*/complete"))) > 1)
    assert (killed / "work/checkpoints/selection.json").is_file() and not (killed / "student").exists()
    assert distillir("run", path, "--output", killed, *settings).returncode == 0
    first, second = (folder / "student" / "model.safetensors" for folder in (whole, killed))
    assert first.read_bytes() == second.read_bytes()
    one, two = (_metrics(folder)["selection"] for folder in (whole, killed))
    assert {**one, "seconds": 0} == {**two, "seconds": 0} and len(one["measures"]) == 4


def test_a_copy_of_a_held_out_query_is_not_learnt_from(
    tiny_beir: Path, tiny: Collection, tmp_path: Path, minilm_path: str
) -> None:
    """Whichever of two queries with one text is chosen, neither is learnt from."""
    text = tiny.queries.text(int(tiny.qrels("train").query_rows[0]))
    folder = tmp_path / "copied"
    folder.mkdir()
    (folder / "qrels").mkdir()
    (folder / "corpus.jsonl").write_bytes((tiny_beir / "corpus.jsonl").read_bytes())
    lines = [json.dumps({"_id": f"q{number}", "text": words}) for number, words in enumerate([text, "bees", text])]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n")
    document = json.loads((tiny_beir / "corpus.jsonl").read_text().splitlines()[0])["_id"]
    rows = "".join(f"q{number}\t{document}\t1\n" for number in range(3))
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    value = {"collection": str(folder), "teacher": "bm25", "student": minilm_path}
    run_folder = RunFolder(tmp_path / "run", Recipe.model_validate({**value, "candidates": {"from": "bm25"}}))
    candidates = [np.array([0, 1])] * 3
    relevant = [np.array([True, False])] * 3
    scores = [np.array([1.0, 0.0], dtype=np.float32)] * 3
    place = tmp_path / "teaching"
    build_teaching_set(run_folder.collection, np.arange(3), candidates, scores, relevant, {}, place)
    taught = open_teaching_set(place, run_folder.collection)
    for chosen in (0, 2):
        found = left_out_queries(run_folder, taught, SelectionQueries(np.array([chosen]), None))
        assert found.tolist() == [0, 2]


def test_another_precision_to_choose_by_is_another_student(value: dict[str, Any], tmp_path: Path) -> None:
    output, recipe = tmp_path / "run", _file({**value, **HELD_OUT}, tmp_path)
    assert distillir("run", recipe, "-o", output).returncode == 0
    changed = ["--set", "evaluation.precision=bf16", "--anew"]
    done = distillir("run", recipe, "-o", output, *changed)
    assert done.returncode == 0, done.stderr
    assert "To be made anew: student (other precision to choose by than when it was made)" in " ".join(
        done.stderr.split()
    )
