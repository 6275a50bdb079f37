"""Evaluation queries on which nothing can be gained are told."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from distillir.pipeline.evaluate import evaluate_stage
from distillir.pipeline.mine import mine_stage
from distillir.pipeline.open_run import open_run
from distillir.pipeline.score import score_stage
from distillir.recipe import Recipe

FULL = "is 1.000 before training: these evaluation queries cannot show a gain"


@pytest.fixture
def titled(tiny_beir: Path, tmp_path: Path) -> Path:
    """The tiny collection with titles that are long enough for queries."""
    shutil.copytree(tiny_beir, tmp_path / "tiny")
    corpus = tmp_path / "tiny" / "corpus.jsonl"
    documents = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    lines = [json.dumps({**one, "title": " ".join(one["text"].split()[:6])}) for one in documents]
    corpus.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "tiny"


@pytest.mark.parametrize(
    ("queries", "split", "measure", "said"),
    [
        (
            {"split": None, "titles": 12},
            None,
            "success@50",
            f"{FULL} (titles stand in their documents): take sentences",
        ),
        ({"split": None, "sentences": 12}, None, "success@50", f"{FULL} (sentences stand in their documents): take q"),
        ("train", "test", "success@50", FULL),
        ("train", "test", "P@10", ""),
    ],
)
def test_a_measure_that_is_full_before_training(
    queries: Any,
    split: str | None,
    measure: str,
    said: str,
    titled: Path,
    minilm_path: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = {
        "collection": str(titled),
        "teacher": "bm25",
        "student": {"model": minilm_path, "layers": 1},
        "queries": queries,
        "candidates": {"from": "bm25", "depth": 8},
        "evaluation": {"split": split, "held_out": 4, "measures": [measure]},
    }
    with open_run(tmp_path / "run", Recipe.model_validate(recipe)) as folder:
        mine_stage(folder)
        score_stage(folder)
        folder.student.symlink_to(folder.initial_student.resolve(), target_is_directory=True)
        evaluate_stage(folder)
    told = " ".join(capsys.readouterr().err.split())
    assert said in told and bool(said) == (FULL in told)
