"""Teacher's scores in a teaching set: their groups, and closed forms of entropy and spread."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.reporting.figures.teacher import evenness_figure, scores_figure
from distillir.reporting.teacher_scores import read_teacher_scores


def save(path: Path, **columns: list[Any]) -> Path:
    import datasets

    datasets.Dataset.from_dict(columns).save_to_disk(str(path / "teaching"))
    return path / "teaching"


def test_scores_are_parted_by_relevance(tmp_path: Path) -> None:
    found = read_teacher_scores(
        save(tmp_path, scores=[[3.0, 1.0], [], [2.0]], relevant=[[True, False], [], [False]], query=[0, 1, 2])
    )
    assert found is not None
    assert found.relevant.tolist() == [3.0] and sorted(found.other.tolist()) == [1.0, 2.0]
    assert (found.lists, found.read, len(found.spread)) == (3, 3, 1)


def test_entropy_is_one_where_all_are_alike_and_zero_where_one_takes_all(tmp_path: Path) -> None:
    found = read_teacher_scores(save(tmp_path, scores=[[7.0] * 5, [1000.0, 0.0, 0.0], [np.log(3.0), 0.0]]))
    assert found is not None
    quarter = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(2)
    np.testing.assert_allclose(found.evenness, [1.0, 0.0, quarter], atol=1e-12)
    np.testing.assert_allclose(found.spread, [0.0, np.std([1000.0, 0.0, 0.0]), np.log(3.0) / 2])
    assert len(found.relevant) == 0 and len(found.other) == 10


def test_scores_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    found = read_teacher_scores(save(tmp_path, scores=[[1.0, float("nan")], [2.0, 3.0]]))
    assert found is not None and found.other.tolist() == [1.0, 2.0, 3.0] and len(found.evenness) == 1


def test_a_large_set_is_sampled_evenly(tmp_path: Path) -> None:
    found = read_teacher_scores(save(tmp_path, scores=[[float(i)] for i in range(1001)]), most=11)
    assert found is not None and found.other.tolist() == [100.0 * i for i in range(11)]
    figure = scores_figure(found)
    assert figure is not None and "From 11 of 1\u202f001 lists" in figure.caption
    assert evenness_figure(found) is None  # no list of two


def test_a_set_without_scores_has_none(tmp_path: Path) -> None:
    assert read_teacher_scores(save(tmp_path, preferences=[[0.5]])) is None


def test_equal_scores_and_far_outliers_still_make_a_figure(tmp_path: Path) -> None:
    for scores, shown in (([2.0, 2.0], ">2.0<"), ([1e9, *np.linspace(0, 1, 2000)], ">0.4<")):
        found = read_teacher_scores(save(tmp_path / str(len(scores)), scores=[scores]))
        assert found is not None
        figure = scores_figure(found)
        assert figure is not None and shown in figure.wide  # the axis shows where the scores are, not the outlier


def test_what_is_no_teaching_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "teaching").mkdir()
    with pytest.raises(DistillirError, match=r"teaching: cannot be opened as a teaching set"):
        read_teacher_scores(tmp_path / "teaching")
