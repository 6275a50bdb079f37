"""Exported files name no copy of a positive as a negative."""

import json
from pathlib import Path

import numpy as np
import pytest

from distillir.collections import Collection
from distillir.teaching import TeachingSet, build_teaching_set, export_teaching
from same_texts import arguana

LISTS = ["bees-con", "copy", "trains-con"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    folder = tmp_path_factory.mktemp("exported") / "c"
    return arguana(folder, copy="SPENDING on bees  helps nobody, whatever towns say of bees")


def _lists(opened: Collection, path: Path, *, judged: bool = True, scored: bool = True) -> TeachingSet:
    query = np.array([opened.queries.row("bees-pro" if judged else "violins-pro")])
    names = LISTS if judged else ["copy", "bees-con", "trains-con"]
    scores = [np.array([3, 2.5, 1], dtype=np.float32)] if scored else None
    flags = [np.array([judged, False, False])]
    return build_teaching_set(opened, query, [opened.corpus.rows(names)], scores, flags, {}, path)


@pytest.mark.parametrize("judged", [True, False])
def test_flagembedding(opened: Collection, tmp_path: Path, judged: bool, capsys: pytest.CaptureFixture[str]) -> None:
    export_teaching("flagembedding", _lists(opened, tmp_path / "t", judged=judged), opened, tmp_path / "f.jsonl")
    line = json.loads((tmp_path / "f.jsonl").read_text(encoding="utf-8"))
    assert line["pos_id"] == ["bees-con" if judged else "copy"] and line["neg_id"] == ["trains-con"]
    assert line["neg_scores"] == [1.0]
    assert "left out 1 candidates that must not be negatives" in capsys.readouterr().err


def test_hard_negatives_and_margins(opened: Collection, tmp_path: Path) -> None:
    lists = _lists(opened, tmp_path / "t")
    export_teaching("hard-negatives", lists, opened, tmp_path / "h.jsonl")
    line = json.loads((tmp_path / "h.jsonl").read_text(encoding="utf-8"))
    assert line["pos"] == ["bees-con"] and line["neg"] == {"distillir": ["trains-con"]}
    export_teaching("margin-mse", lists, opened, tmp_path / "m.tsv")
    assert (tmp_path / "m.tsv").read_text(encoding="utf-8") == "3.0\t1.0\tbees-pro\tbees-con\ttrains-con\n"


def test_colbert_without_scores_has_a_line_for_each_positive(opened: Collection, tmp_path: Path) -> None:
    query, rows = np.array([0]), opened.corpus.rows(["trains-con", "bees-con", "bread-con", "copy"])
    flags = [np.array([False, True, True, False])]
    lists = build_teaching_set(opened, query, [rows], None, flags, {}, tmp_path / "t")
    export_teaching("colbert", lists, opened, tmp_path / "colbert")
    lines = [json.loads(line) for line in (tmp_path / "colbert" / "examples.json").read_text().splitlines()]
    assert lines == [[0, int(rows[1]), int(rows[0])], [0, int(rows[2]), int(rows[0])]]
    scored = _lists(opened, tmp_path / "s")  # with scores ColBERT follows those, and a copy has its own
    export_teaching("colbert", scored, opened, tmp_path / "scored")
    [line] = [json.loads(line) for line in (tmp_path / "scored" / "examples.json").read_text().splitlines()]
    assert [score for _, score in line[1:]] == [3.0, 2.5, 1.0]
