"""log.jsonl: curves over steps, through stages, resumed trainings and lines cut short."""

import json
from pathlib import Path
from typing import Any

import pytest

from distillir.reporting.figures.training import dev_figure, loss_figure, parts_figure
from distillir.reporting.training_log import Curve, TrainingLog, read_training_log


def read(path: Path, *entries: dict[str, Any] | str) -> TrainingLog:
    file = path / "log.jsonl"
    file.write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in entries), encoding="utf-8")
    return read_training_log(file)


def test_curves_of_loss_parts_and_dev_measures(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        {"step": 1, "loss": 3.0, "learning_rate": 0.1, "kl": 2.0, "info_nce": 1.0, "pairs_per_second": 900.0},
        {"step": 1, "dev_nDCG@10": 0.5},
        {"step": 2, "loss": 2.0, "learning_rate": 0.0, "kl": 1.5, "info_nce": 0.5, "pairs_per_second": 900.0},
    )
    assert log.curves["loss"] == Curve([1, 2], [3.0, 2.0])
    assert log.dev == {"nDCG@10": Curve([1], [0.5])}
    assert log.parts == {"kl": Curve([1, 2], [2.0, 1.5]), "info_nce": Curve([1, 2], [1.0, 0.5])}
    assert log.stages == [] and log.unreadable == []


def test_a_single_part_is_the_loss_itself(tmp_path: Path) -> None:
    assert read(tmp_path, {"step": 1, "loss": 3.0, "kl": 3.0}).parts == {}


def test_steps_logged_again_after_resuming_replace_the_old(tmp_path: Path) -> None:
    losses = [(1, 5.0), (2, 4.0), (3, 3.0), (4, 2.5), (3, 3.1), (4, 2.6), (5, 2.0)]
    log = read(tmp_path, *[{"step": step, "loss": loss} for step, loss in losses])
    assert log.curves["loss"] == Curve([1, 2, 3, 4, 5], [5.0, 4.0, 3.1, 2.6, 2.0])


def test_stages_follow_each_other_whether_steps_start_anew_or_not(tmp_path: Path) -> None:
    anew = [("easy", 1), ("easy", 2), ("hard", 1), ("hard", 2), ("hard", 1), ("hard", 2)]  # resumed in the second
    through = [("easy", 1), ("easy", 2), ("hard", 3), ("hard", 4)]
    for told in (anew, through):
        log = read(tmp_path, *[{"step": step, "stage": stage, "loss": 1.0} for stage, step in told])
        assert log.curves["loss"].steps == [1, 2, 3, 4]
        assert log.stages == [("easy", 1), ("hard", 3)]


def test_lines_that_are_no_entry_are_counted(tmp_path: Path) -> None:
    log = read(
        tmp_path, {"step": 1, "loss": 1.0}, '{"step": 2, "lo', "", "[3]", '{"loss": 4}', {"step": 5, "loss": 0.5}
    )
    assert log.unreadable == [2, 4, 5]
    assert log.curves["loss"].steps == [1, 5]


def test_a_loss_that_is_no_number_leaves_a_gap(tmp_path: Path) -> None:
    log = read(tmp_path, {"step": 1, "loss": 1.0}, '{"step": 2, "loss": NaN}', {"step": 3, "loss": None})
    assert log.curves["loss"] == Curve([1], [1.0])


def test_smoothing_keeps_a_constant_and_follows_a_step() -> None:
    assert Curve(list(range(100)), [2.5] * 100).smoothed().values == pytest.approx([2.5] * 100)
    step = Curve(list(range(200)), [0.0] * 100 + [1.0] * 100).smoothed(0.05).values
    assert step[99] == 0.0 and 0.05 < step[100] < 0.2 and step[-1] > 0.99
    assert Curve([1, 2], [3.0, 1.0]).smoothed().values == [3.0, 1.0]


def test_thinning_keeps_the_mean_and_the_last_step() -> None:
    curve = Curve(list(range(1, 1001)), [float(i % 7) for i in range(1000)])
    thin = curve.thinned(100)
    assert len(thin) == 100 and thin.steps[-1] == 1000
    assert sum(thin.values) / 100 == pytest.approx(sum(curve.values) / 1000)
    assert curve.thinned(1000) is curve


def test_a_long_log_makes_a_small_figure(tmp_path: Path) -> None:
    log = read(tmp_path, *[{"step": s, "loss": 1 / s, "learning_rate": 1e-5} for s in range(1, 20_001)])
    figure = loss_figure(log)
    assert figure is not None and len(figure.wide) < 60_000
    assert "20\u202f000 steps" in figure.caption


def test_figures_of_a_log_of_one_step_and_of_none(tmp_path: Path) -> None:
    log = read(tmp_path, {"step": 1, "loss": 0.5, "a": 1.0, "b": 2.0, "dev_MRR@10": 0.25})
    for figure, words in (
        (loss_figure(log), "0.5"),
        (dev_figure(log), "best MRR@10 0.250"),
        (parts_figure(log), "b 2"),
    ):
        assert figure is not None and words in figure.caption
    empty = read(tmp_path)
    assert loss_figure(empty) is dev_figure(empty) is parts_figure(empty) is None
