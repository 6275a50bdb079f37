"""Runs in which the student's vectors follow a model's: across widths, after a kill, in two processes, told in full."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from command_line import Two, apart, distillir, kill_once


@pytest.fixture(scope="session")
def narrow(small_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dense encoder of 24 numbers a text: two layers of MiniLM and a layer on top."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize

    base = SentenceTransformer(str(small_models / "base"), device="cpu")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        modules = [base[0], base[1], Dense(384, 24, activation_function=None), Normalize()]
    folder = tmp_path_factory.mktemp("narrow") / "model"
    SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


@pytest.fixture
def value(tiny_beir: Path, small_models: Path, narrow: Path) -> dict[str, Any]:
    """A recipe: a narrow student follows a wide teacher."""
    return {
        "collection": str(tiny_beir),
        "teacher": {"dense": {"model": str(small_models / "base"), "max_length": 40}},
        "student": {"model": str(narrow), "max_length": 24},
        "candidates": {"from": "bm25", "depth": 8, "add_judged": True},
        "method": {"name": "kl", "vectors": {"loss": "squared", "weight": 3.0}},
        "training": {
            **{"epochs": 4, "queries_per_step": 4, "candidates_per_query": 5, "checkpoint_seconds": 0},
            **{"learning_rate": 3e-4, "select": "none"},
        },
        "evaluation": {"measures": ["nDCG@10"], "depth": 10},
    }


def _write(path: Path, value: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def _weights(run: Path) -> dict[str, bytes]:
    files = sorted(run.glob("student/**/*.safetensors")) + sorted(run.glob("projection/*.safetensors"))
    return {f"{file.relative_to(run)} {name}": own.tobytes() for file in files for name, own in load_file(file).items()}


def test_across_widths_told_in_full_and_the_same_after_a_kill(value: dict[str, Any], tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize

    recipe, whole, killed = _write(tmp_path / "recipe.yaml", value), tmp_path / "whole", tmp_path / "killed"
    done = distillir("run", recipe, "--output", whole)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "16 queries and 44 documents, 384 numbers each" in said and "Projection:" in said
    logged = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert {"kl", "vectors_queries", "vectors_documents"} <= set(logged[0])
    metrics = json.loads((whole / "metrics.json").read_text())
    told = metrics["vectors"]
    assert metrics["method"] == "kl + vectors" and told["projection"]
    assert (told["student_width"], told["width"]) == (24, 384)
    for side in ("queries", "documents"):
        before, after = told[side]["before"], told[side]["after"]
        assert 0 < before["mean"] < 1 and after["quantiles"] == sorted(after["quantiles"])
    assert told["queries"]["unseen"] and told["queries"]["before"]["mean"] < told["queries"]["after"]["mean"] <= 1
    page = (whole / "report.html").read_text()
    assert 'id="vectors"' in page and "mapped to 384 by a linear map" in page and "Cosines of 8 queries" in page
    # What the card says works, and gives the cosines that were told.
    student = SentenceTransformer(str(whole / "student"), device="cpu")
    student.append(Dense.load(str(whole / "projection")))
    student.append(Normalize())
    assert student.encode_query("Do bees see colours?").shape == (384,)
    assert str(value["teacher"]["dense"]["model"]) in (whole / "projection" / "README.md").read_text()
    # Killed between two checkpoints, and run again.
    process = apart("run", recipe, "--output", killed)
    kill_once(process, lambda: list(killed.glob("work/checkpoints/checkpoint-*/complete")), within=300)
    assert not (killed / "student").is_dir()
    again = distillir("run", recipe, "--output", killed)
    assert again.returncode == 0, again.stderr
    assert any(name.startswith("projection") for name in _weights(whole)) and _weights(killed) == _weights(whole)
    # The model was changed: what was made by it does not fit.
    value["method"]["vectors"]["width"] = 16
    refused = distillir("run", _write(recipe, value), "--output", whole)
    assert refused.returncode == 2 and "--anew" in refused.stderr


def test_a_run_in_two_processes_is_that_of_one(value: dict[str, Any], tmp_path: Path) -> None:
    value["training"] |= {"epochs": 1, "in_batch": True}
    value["method"]["vectors"]["of"] = "documents"
    recipe = _write(tmp_path / "recipe.yaml", value)
    both = Two("run", recipe, "--output", tmp_path / "two", DISTILLIR_CACHE=str(tmp_path / "cache"))
    done = distillir("run", recipe, "--output", tmp_path / "one")
    assert done.returncode == 0, done.stderr
    together = both.wait()
    assert together.returncode == 0, together.stderr[-2000:]
    one, two = (json.loads((tmp_path / name / "metrics.json").read_text())["vectors"] for name in ("one", "two"))
    assert one.keys() == two.keys() and "queries" not in one
    for when in ("before", "after"):
        np.testing.assert_allclose(one["documents"][when]["quantiles"], two["documents"][when]["quantiles"], atol=2e-3)
