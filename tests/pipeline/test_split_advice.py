"""A collection that lacks a split: the message holds the lines of a recipe, and these lines work."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from distillir.base.errors import DistillirError
from distillir.dry_run.folder import open_dry
from distillir.pipeline.open_run import open_run
from distillir.pipeline.queries import evaluation_queries, training_queries
from distillir.recipe import Recipe


def recipe(collection: Path, minilm: str, **changes: Any) -> Recipe:
    """A recipe that names no split of its own."""
    given = {"collection": str(collection), "teacher": "bm25", "student": {"model": minilm, "layers": 1}, **changes}
    return Recipe.model_validate(given)


def counts(collection: Path, minilm: str, output: Path, **changes: Any) -> tuple[int, int]:
    """How many queries a recipe trains on and is measured on."""
    with open_run(output, recipe(collection, minilm, **changes)) as folder:
        return len(training_queries(folder)), len(evaluation_queries(folder))


def advised(error: DistillirError) -> list[dict[str, Any]]:
    """The recipes of a message: each way to have training queries, with the evaluation named for it."""
    text = str(error)
    held = [yaml.safe_load(found) for found in re.findall(r"evaluation: (\{[^}]*\}|\w+)", text)]
    ways = [yaml.safe_load(found) for found in re.findall(r"queries: (\{[^}]*\})", text)]
    return [
        {"queries": way, **({"evaluation": held[0]} if held and "; and evaluation" in text else {})} for way in ways
    ]


@pytest.fixture
def folder(tiny_beir: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny_beir, tmp_path / "tiny")
    return tmp_path / "tiny"


def test_a_test_split_alone(folder: Path, minilm_path: str, tmp_path: Path) -> None:
    (folder / "qrels" / "train.tsv").unlink()
    (folder / "qrels" / "dev.tsv").unlink()
    with pytest.raises(
        DistillirError, match=r"no split 'train' to learn from \(splits: test\); write queries"
    ) as caught:
        counts(folder, minilm_path, tmp_path / "run")
    ways = advised(caught.value)
    assert [sorted(way["queries"]) for way in ways] == [["split", "unjudged"], ["sentences", "split"]]
    for number, way in enumerate(ways):
        learnt, measured = counts(folder, minilm_path, tmp_path / f"way-{number}", **way)
        assert learnt >= 10 and measured == 8
    found = re.search(r"learn from test itself: queries: test and evaluation: (\{.*?\})", str(caught.value))
    assert found is not None
    own = counts(folder, minilm_path, tmp_path / "own", queries="test", evaluation=yaml.safe_load(found[1]))
    assert own == (7, 1)


def test_no_judgement_at_all(folder: Path, minilm_path: str, tmp_path: Path) -> None:
    shutil.rmtree(folder / "qrels")
    with pytest.raises(DistillirError, match=r"\(it has no judgements\); write .*; and evaluation: ") as caught:
        counts(folder, minilm_path, tmp_path / "run")
    ways = advised(caught.value)
    assert len(ways) == 2
    for number, way in enumerate(ways):
        learnt, measured = counts(folder, minilm_path, tmp_path / f"way-{number}", **way)
        assert learnt > measured > 0
    with pytest.raises(DistillirError, match=r"no split 'test' to measure on .*; write evaluation: \{split: null\}"):
        counts(folder, minilm_path, tmp_path / "half", queries=ways[0]["queries"])


def test_another_split_is_named_and_the_plan_says_the_same(folder: Path, minilm_path: str, tmp_path: Path) -> None:
    (folder / "qrels" / "train.tsv").unlink()
    with pytest.raises(DistillirError, match=r"\(splits: dev, test\); write queries: dev, or queries: \{split: null"):
        counts(folder, minilm_path, tmp_path / "run")
    with pytest.raises(
        DistillirError, match=r"no split 'eval' to measure on \(splits: dev, test\); write evaluation: test"
    ):
        counts(folder, minilm_path, tmp_path / "other", queries="dev", evaluation="eval")
    with pytest.raises(DistillirError, match="no split 'train' to learn from"):
        open_dry(tmp_path / "planned", recipe(folder, minilm_path), tmp_path / "scratch")
