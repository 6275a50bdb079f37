"""A source that finds nothing is told, whatever other sources find."""

from pathlib import Path

import numpy as np
import pytest
from small_collection import make

from distillir.collections import Collection
from distillir.retrieval.recipe_form import mine_from_spec


@pytest.fixture
def mixed(tmp_path: Path) -> Collection:
    return make(tmp_path / "c", ["volcanic ash", "bees dance", "ash tree"], ["ash", "quux", "the", "火山灰", "火山"])


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if "found nothing" in line]


def test_each_of_several_sources_is_told_before_fusion(
    mixed: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "own.trec"
    run.write_text("1 Q0 0 1 2.0 x\n2 Q0 1 1 1.0 x\n")
    found = mine_from_spec(mixed, np.arange(3), {"from": ["bm25", {"trec": str(run)}]}, queries="training queries")
    assert [len(rows) for rows in found.lists] == [2, 1, 1]
    assert lines(capsys.readouterr().err) == [
        "bm25 found nothing for 2 of 3 training queries, for example '1'",
        "own.trec found nothing for 1 of 3 training queries, for example '0'",
    ]
    mine_from_spec(mixed, np.array([0]), {"from": "bm25"})
    assert lines(capsys.readouterr().err) == []


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([3, 4], "the queries are written in CJK and the documents in Latin"),
        ([2], "they hold nothing but single letters, signs and stop words (stopwords: en)"),
        ([1], "no word of theirs is in the documents; are these of the same language?"),
    ],
)
def test_nothing_at_all_is_told_with_the_likely_reason(
    mixed: Collection, rows: list[int], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = mine_from_spec(mixed, np.array(rows), {"from": "bm25"})
    assert len(run.documents) == 0
    example = f"for example '{rows[0]}'"
    assert lines(capsys.readouterr().err) == [
        f"Warning: bm25 found nothing for any of {len(rows)} queries, {example}: {reason}"
    ]


def test_a_run_file_of_another_split_is_named(
    mixed: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "train.trec"
    path.write_text("0 Q0 0 1 2.0 x\n")
    mine_from_spec(mixed, np.array([1, 2]), {"from": {"trec": str(path)}})
    (line,) = lines(capsys.readouterr().err)
    assert line.startswith("Warning: train.trec found nothing for any of 2 queries, for example '1'")
    assert line.endswith("has no line for one of them; is it of another split?")
