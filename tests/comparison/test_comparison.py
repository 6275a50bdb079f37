"""A whole comparison on the tiny collection: shared work, significance, resume, failures."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from command_line import distillir
from distillir.collections import load_collection
from distillir.comparison.file import read_comparison
from distillir.comparison.leaderboard import Leaderboard
from distillir.comparison.run import run_comparison
from distillir.comparison.share import prepare_shared
from distillir.evaluation.measures import evaluate
from distillir.evaluation.significance import holm_correction, paired_t_test
from distillir.retrieval.trec import read_run
from other_collection import make_other


@pytest.fixture
def value(tiny_beir: Path, minilm_path: str, small_models: Path) -> dict[str, Any]:
    graded = [{"lists": {"top": 2, "hard": 1, "remaining": 1}}, {"lists": {"top": 4}, "learning_rate": 1e-4}]
    return {
        "recipe": {
            "collection": str(tiny_beir),
            "teacher": {"ensemble": ["bm25", {"dense": str(small_models / "base")}]},
            "student": {"model": minilm_path, "layers": 1, "max_length": 32},
            "candidates": {"from": ["bm25", "dense"], "depth": 8},
            "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 4, "learning_rate": 3e-4},
            "evaluation": {"measures": ["nDCG@10", "MRR@10"]},
        },
        "cells": {
            "kl": {"method": "kl"},
            "ckl, in stages": {"method": {"name": "ckl", "plan": graded}},
            "lambda": {"objective": {"lambda_mrr": {"student_temperature": 0.05}}},
        },
        "seeds": [0, 1],
    }


def test_a_comparison_from_recipes_to_leaderboard(value: dict[str, Any], tiny_beir: Path, tmp_path: Path) -> None:
    file, output = tmp_path / "methods.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    listed = distillir("compare", file, "--dry-run", "-o", output)
    assert "3 cells, 2 seeds: 6 runs" in listed.stderr and not output.exists()
    lines = [line.split() for line in listed.stderr.split("cell ", 1)[1].splitlines()[1:6]]
    assert [line[0] for line in lines] == ["shared:", "kl", "ckl,", "lambda", "all"]
    assert all(line[-1] in ("s", "min", "h") and float(line[-2]) >= 0 for line in lines)
    nowhere = distillir("compare", file, "--dry-run", "-o", output, "--set", "student.model=./nowhere")
    assert nowhere.returncode == 2 and "cell 'kl'" in nowhere.stderr and "is no model folder" in nowhere.stderr
    done = distillir("compare", file, "-o", output)
    assert done.returncode == 0, done.stderr

    board = json.loads((output / "leaderboard.json").read_text())
    assert [len(row["seeds"]) for row in board["rows"]] == [2, 2, 2]
    assert [row["means"]["nDCG@10"] for row in board["rows"]] == sorted(
        (row["means"]["nDCG@10"] for row in board["rows"]), reverse=True
    )
    # Candidates, scores and the first search were made once, and no cell asked the teacher.
    assert len(list((output / "shared").iterdir())) == 1
    assert all(row["calls"] == {"asked": 0, "cached": 0} for row in board["rows"])
    assert len({row["before"] for row in board["rows"]}) == 1

    # The figures are those of the runs.
    collection = load_collection(tiny_beir)
    qrels = collection.qrels("test")
    values = {
        folder: np.mean(
            [
                evaluate(read_run(path, collection), qrels, ["nDCG@10"]).values["nDCG@10"]
                for path in sorted((output / "cells").glob(f"{folder}*/seed-*/runs/after.trec"))
            ],
            axis=0,
        )
        for folder in ("kl", "ckl", "lambda")
    }
    rows = {row["name"]: row for row in board["rows"]}
    assert rows["kl"]["against"] is None
    for name, folder in (("ckl, in stages", "ckl"), ("lambda", "lambda")):
        difference = values[folder] - values["kl"]
        assert rows[name]["means"]["nDCG@10"] == pytest.approx(values[folder].mean())
        assert rows[name]["against"]["difference"] == pytest.approx(difference.mean())
        assert rows[name]["against"]["p_value"] == pytest.approx(paired_t_test(difference))
        assert rows[name]["against"]["corrected"] >= rows[name]["against"]["p_value"]
    page = (output / "leaderboard.html").read_text(encoding="utf-8")
    assert "ckl, in stages" in page and "<svg" in page and "http" not in page.split("</svg>")[-1]

    table = (output / "leaderboard.md").read_text(encoding="utf-8").splitlines()
    assert len({line.count(" | ") for line in table}) == 1 and len(table) == 2 + len(rows) + 1
    assert Leaderboard.from_dict(board).rows[0].name == board["rows"][0]["name"]

    # Stages are logged one after the other, and reported.
    (staged,) = (output / "cells").glob("ckl*/seed-0")
    stages = [json.loads(line)["stage"] for line in (staged / "log.jsonl").read_text().splitlines()]
    assert stages == sorted(stages) and set(stages) == {1, 2}
    assert len(json.loads((staged / "metrics.json").read_text())["stages"]) == 2

    # A rerun trains nothing; a run that is missing is made again, to the same ranking.
    weights = {path: path.stat().st_mtime_ns for path in (output / "cells").rglob("model.safetensors")}
    (lost,) = (output / "cells").glob("lambda*/seed-1")
    ranking = (lost / "runs" / "after.trec").read_text()
    for name in ("metrics.json", "runs/after.trec"):
        (lost / name).unlink()
    (torn,) = (output / "cells").glob("kl/seed-1")
    (torn / "metrics.json").write_text("{")
    (torn / "report.html").unlink()
    again = distillir("compare", file, "-o", output)
    assert again.returncode == 0, again.stderr
    assert (lost / "runs" / "after.trec").read_text() == ranking
    assert json.loads((torn / "metrics.json").read_text())["after"] and (torn / "report.html").is_file()
    assert weights == {path: path.stat().st_mtime_ns for path in (output / "cells").rglob("model.safetensors")}

    # A ranking that was cut is not counted.
    (cut,) = (output / "cells").glob("kl/seed-0/runs/after.trec")
    cut.write_text("".join(cut.read_text().splitlines(keepends=True)[:5]))
    refused = distillir("compare", file, "-o", output)
    assert refused.returncode == 2 and "runs/after.trec changed since it was made" in refused.stderr
    assert distillir("compare", file, "-o", output, "--anew").returncode == 0
    assert len(cut.read_text().splitlines()) > 5


def test_a_cell_that_fails_is_named_and_the_others_go_on(value: dict[str, Any], tmp_path: Path) -> None:
    value["cells"] = {
        "[/red] kl": {"method": "kl"},
        "hopeless": {"training": {"queries_per_step": 4000}},
        "nine layers": {"student": {"layers": 9}},
    }
    value["seeds"] = [0]
    file, output = tmp_path / "methods.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    done = distillir("compare", file, "-o", output)
    assert done.returncode == 2
    assert "hopeless, seed 0" in done.stderr and "nine layers" in done.stderr and "Traceback" not in done.stderr
    board = json.loads((output / "leaderboard.json").read_text())
    assert [row["name"] for row in board["rows"]] == ["[/red] kl"] and len(board["failed"]) == 2

    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "mine.txt").touch()
    for folder in (foreign, output / "cells"):
        refused = distillir("compare", file, "-o", folder)
        assert refused.returncode == 2 and "holds no comparison" in refused.stderr
    other = distillir("compare", file, "-o", output, "--set", "evaluation=dev")
    assert other.returncode == 2 and "another collection or evaluation" in other.stderr


def test_what_cells_share_asks_nothing_of_how_they_train(value: dict[str, Any], tmp_path: Path) -> None:
    """Four queries are fewer than a step of the default settings takes, and enough for these cells."""
    value["recipe"]["queries"] = {"split": "train", "limit": 4}
    file = tmp_path / "few.yaml"
    file.write_text(yaml.safe_dump(value), encoding="utf-8")
    comparison = read_comparison(file)
    shared = prepare_shared(tmp_path / "out", comparison.cells[0], comparison.query_seed)
    assert shared.teaching.is_dir() and shared.before_run.is_file()


def test_cells_are_compared_on_other_collections(value: dict[str, Any], tmp_path: Path) -> None:
    tools = make_other(tmp_path / "tools")
    value["recipe"]["evaluation"]["also"] = [str(tools)]
    value["cells"] = {"kl": {"method": "kl"}, "lambda": {"objective": {"lambda_mrr": {"student_temperature": 0.05}}}}
    file, output = tmp_path / "methods.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    done = distillir("compare", file, "-o", output)
    assert done.returncode == 0, done.stderr

    # The student before training is searched with once, for all cells.
    befores = list((output / "cells").glob("*/seed-*/runs/also/tools/before.trec"))
    assert len(befores) == 4 and len({path.resolve() for path in befores}) == 1
    assert done.stderr.count("Student before training on tools") == 1
    assert done.stderr.count("Student after training on tools") == 4

    board = json.loads((output / "leaderboard.json").read_text())
    assert board["also"] == {"tools": {"split": "test", "queries": 5, "documents": 8}}
    collection = load_collection(tools)
    qrels = collection.qrels("test")
    start = evaluate(read_run(befores[0], collection), qrels, ["nDCG@10"]).values["nDCG@10"]
    changes = {}
    for row in board["rows"]:
        found, name = row["also"]["tools"], row["name"]
        ends = [
            evaluate(read_run(path, collection), qrels, ["nDCG@10"]).values["nDCG@10"]
            for path in sorted((output / "cells").glob(f"{name}/seed-*/runs/also/tools/after.trec"))
        ]
        changes[name] = np.mean(ends, axis=0) - start
        assert found["means"]["nDCG@10"] == pytest.approx(np.mean(ends)) and found["before"] == start.mean()
        assert found["spread"] == pytest.approx(np.std(np.mean(ends, axis=1), ddof=1))
        assert found["change"]["difference"] == pytest.approx(changes[name].mean())
        assert found["change"]["p_value"] == pytest.approx(paired_t_test(changes[name]))
    corrected = holm_correction([paired_t_test(changes[row["name"]]) for row in board["rows"]])
    assert [row["also"]["tools"]["change"]["corrected"] for row in board["rows"]] == pytest.approx(corrected)
    page = (output / "leaderboard.html").read_text(encoding="utf-8")
    assert "On other collections" in page and "tools (5 test queries)" in page
    table = (output / "leaderboard.md").read_text(encoding="utf-8").splitlines()
    assert "tools nDCG@10" in table[0] and len({line.count("|") for line in table}) == 1
    assert Leaderboard.from_dict(board).rows[0].also["tools"].change.difference == pytest.approx(
        changes[board["rows"][0]["name"]].mean()
    )

    # A ranking that is gone is made again, alone.
    (lost,) = (output / "cells").glob("kl/seed-1/runs/also/tools/after.trec")
    ranking = lost.read_text()
    lost.unlink()
    again = distillir("compare", file, "-o", output)
    assert again.returncode == 0 and lost.read_text() == ranking
    assert again.stderr.count("training on tools") == 1


def test_comparisons_of_versions_without_other_collections_go_on(value: dict[str, Any], tmp_path: Path) -> None:
    value["cells"], value["seeds"] = {"kl": {"method": "kl"}}, [0]
    file, output = tmp_path / "methods.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(value), encoding="utf-8")
    comparison = read_comparison(file)
    assert run_comparison(comparison, output).also == {}
    old = [output / "comparison.json", output / "cells" / "kl" / "seed-0" / "recipe.yaml"]
    for path in old:
        mark = yaml.safe_load(path.read_text())
        del mark["evaluation"]["also"]
        path.write_text(json.dumps(mark))
    board = json.loads((output / "leaderboard.json").read_text())
    del board["also"]
    for row in board["rows"]:
        del row["also"]
    assert Leaderboard.from_dict(board).rows[0].also == {}
    again = run_comparison(comparison, output)
    assert not again.failed and again.rows[0].means == board["rows"][0]["means"]


def test_nothing_is_mined_for_cells_that_learn_from_texts_alone(
    value: dict[str, Any], tmp_path: Path, minilm_path: str
) -> None:
    vectors = {"name": "vectors", "vectors": {"model": minilm_path}}
    queries = {"name": "vectors", "vectors": {"model": minilm_path, "of": "queries"}}
    value["cells"], value["seeds"] = {"vectors": {"method": vectors}, "of queries": {"method": queries}}, [0]
    file, output = tmp_path / "texts.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    planned = distillir("compare", file, "--dry-run", "-o", output)
    assert planned.returncode == 0 and "shared: the student before" in planned.stderr, planned.stderr
    done = distillir("compare", file, "-o", output)
    assert done.returncode == 0, done.stderr
    assert "none are mined for training queries" in done.stderr and "Candidates: " not in done.stderr
    (shared,) = (output / "shared").iterdir()
    assert [path.name for path in (shared / "runs").iterdir()] == ["before.trec"] and not (shared / "teaching").exists()
    befores = {path.resolve() for path in (output / "cells").glob("*/seed-0/runs/before.trec")}
    assert befores == {(shared / "runs" / "before.trec").resolve()}
    board = json.loads((output / "leaderboard.json").read_text())
    assert len(board["rows"]) == 2 and not board["failed"] and not board["teacher"]

    # One that learns from lists has them made, beside what is there; the others are not trained again.
    weights = {path: path.stat().st_mtime_ns for path in (output / "cells").rglob("model.safetensors")}
    value["cells"]["kl"] = {"method": "kl"}
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    planned = distillir("compare", file, "--dry-run", "-o", output)
    assert "shared: candidates, scores, the student before" in planned.stderr, planned.stderr
    assert [name in planned.stderr for name in ("vectors", "of queries", "kl")] == [True] * 3
    more = distillir("compare", file, "-o", output)
    assert more.returncode == 0, more.stderr
    assert list((output / "shared").iterdir()) == [shared]
    assert (shared / "runs" / "candidates.trec").is_file() and (shared / "teaching").is_dir()
    kept = {path: path.stat().st_mtime_ns for path in weights}
    assert kept == weights and len(json.loads((output / "leaderboard.json").read_text())["rows"]) == 3


def test_cells_that_read_documents_alone_against_kept_vectors(
    value: dict[str, Any], tmp_path: Path, minilm_path: str
) -> None:
    value["recipe"]["student"] = {"model": minilm_path, "layers": 1, "documents": {"dense": {"model": minilm_path}}}
    documents = {"method": {"name": "vectors"}, "queries": {"split": None}}
    value["cells"], value["seeds"] = {"documents": documents}, [0]
    file, output = tmp_path / "texts.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    board = run_comparison(read_comparison(file), output)
    assert not board.failed and len(board.rows) == 1
    assert not (next((output / "shared").iterdir()) / "runs" / "candidates.trec").exists()


def test_held_out_queries_of_cells_that_learn_from_texts_alone_are_judged(
    value: dict[str, Any], tmp_path: Path, minilm_path: str
) -> None:
    value["cells"], value["seeds"] = (
        {"vectors": {"method": {"name": "vectors", "vectors": {"model": minilm_path}}}},
        [0],
    )
    value["recipe"]["evaluation"] |= {"split": None, "held_out": 5}
    file, output = tmp_path / "texts.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    board = run_comparison(read_comparison(file), output)
    assert not board.failed and board.teacher["nDCG@10"] == 1
    (shared,) = (output / "shared").iterdir()
    runs = sorted(path.name for path in (shared / "runs").iterdir())
    assert runs == ["before.trec", "evaluation-candidates.trec", "teacher.trec"] and not (shared / "teaching").exists()


def test_dark_examples_are_made_once_for_all_cells(value: dict[str, Any], tmp_path: Path) -> None:
    dark = {"reinforced": 4, "noisy": 4}
    value["recipe"]["candidates"]["add_judged"] = True
    value["cells"] = {
        "adam": {"method": {"name": "adam", "dark": dark}},
        "noisy alone": {"method": {"name": "adam", "dark": {**dark, "kinds": ["noisy"], "gate": "none"}}},
    }
    value["seeds"] = [0]
    file, output = tmp_path / "dark.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    board = run_comparison(read_comparison(file), output)
    assert [row.name for row in board.rows] and not board.failed
    (made,) = output.glob("shared/*/dark-*")
    runs = {path.name.split("-")[0]: path / "seed-0" for path in (output / "cells").iterdir()}
    assert all((run / "dark").resolve() == made.resolve() for run in runs.values())
    seconds = {name: json.loads((run / "metrics.json").read_text())["seconds"] for name, run in runs.items()}
    assert "dark" in seconds["adam"] and "dark" not in seconds["noisy"]
    (row,) = [row for row in board.rows if row.name == "adam"]
    assert row.seconds == pytest.approx(sum(s for stage, s in seconds["adam"].items() if stage != "dark"), abs=0.1)

    # Made anew where they are gone, and the same.
    before = (runs["noisy"] / "student" / "model.safetensors").read_bytes()
    shutil.rmtree(made)
    shutil.rmtree(runs["noisy"] / "student")
    (runs["noisy"] / "metrics.json").unlink()
    assert not run_comparison(read_comparison(file), output).failed
    assert (runs["noisy"] / "student" / "model.safetensors").read_bytes() == before


def test_rerankers_stand_beside_their_first_stage(value: dict[str, Any], small_models: Path, tmp_path: Path) -> None:
    student = {"model": str(small_models / "base"), "kind": "cross-encoder", "layers": 1, "max_length": 32}
    value["recipe"] |= {"student": student, "teacher": "bm25", "candidates": {"from": "bm25", "depth": 5}}
    file, output = tmp_path / "rerankers.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump({**value, "cells": {"kl": {"method": "kl"}}, "seeds": [0]}), encoding="utf-8")
    done = distillir("compare", file, "-o", output)
    assert done.returncode == 0, done.stderr
    board = json.loads((output / "leaderboard.json").read_text())
    metrics = json.loads(next(output.glob("cells/kl*/seed-0/metrics.json")).read_text())
    assert board["first_stage"] == metrics["first_stage"] == board["teacher"]
    assert "the first stage" in (output / "leaderboard.html").read_text(encoding="utf-8")
    last = (output / "leaderboard.md").read_text(encoding="utf-8").splitlines()[-1]
    assert last.startswith(f"| the first stage | {board['first_stage']['nDCG@10']:.3f} | ")
