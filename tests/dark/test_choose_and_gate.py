"""Choosing dark examples by the teacher's scores, and the gate by its confidence."""

import numpy as np
import pytest

from distillir.signals.dark_examples.choose import choose_dark
from distillir.signals.dark_examples.gate import CONFIDENCES, confidence, threshold

NEGATIVES = np.array([-4.0, -3.0, -2.0], dtype=np.float32)


def choose(dark: list[float], count: int = 3, **options: object) -> list[int]:
    generator = np.random.default_rng(0)
    values = np.array(dark, dtype=np.float32)
    chosen = choose_dark(values, 6.0, NEGATIVES, count, generator, **options)  # type: ignore[arg-type]
    return [int(place) for place in chosen]


def test_the_gap_is_filled_evenly() -> None:
    dark = [-5.0, -1.9, -1.8, 0.1, 0.2, 2.1, 3.9, 5.9, 6.5]
    # Targets over the gap from -2 to 6: 0, 2, 4.
    assert choose(dark) == [3, 5, 6]


def test_nothing_outside_the_gap_is_chosen() -> None:
    assert choose([-9.0, 7.0, -2.5]) == []
    assert choose([-9.0, 7.0, -2.5], floor=0.5) == [2]
    assert choose([1.0, 7.0], count=5) == [0]
    assert choose([]) == []


def test_random_choice_keeps_the_guard_and_may_lose_it() -> None:
    dark = [-9.0, 0.0, 8.0]
    assert set(choose(dark)) == {1}
    assert set(choose(dark, choice="random")) == {0, 1}
    assert set(choose(dark, choice="random", drop_above=False)) == {0, 1, 2}


def test_without_negatives_the_gap_is_open_below() -> None:
    dark = np.array([-50.0, 0.0, 9.0], dtype=np.float32)
    chosen = choose_dark(dark, 6.0, NEGATIVES[:0], 5, np.random.default_rng(0))
    assert chosen.tolist() == [0, 1]


def test_confidences_by_hand() -> None:
    scores = np.array([1.0, 3.0, 2.0], dtype=np.float32)
    weights = np.exp([1.0, 3.0, 2.0])
    assert confidence(scores, 1) == pytest.approx(weights[1] / weights.sum())
    assert confidence(scores, 1, "margin") == pytest.approx(1.0)
    assert confidence(scores, 0, "margin") == pytest.approx(-2.0)
    assert confidence(scores, 1, "sigmoid", temperature=2.0) == pytest.approx(1 / (1 + np.exp(-1.5)))
    huge = np.array([1000.0, -1000.0], dtype=np.float32)
    assert all(np.isfinite(confidence(huge, 0, kind)) for kind in CONFIDENCES)


def test_schedules() -> None:
    values = np.linspace(0, 1, 101)
    assert threshold(values, "constant", 0.3, 0.9, 0.5) == 0.3
    assert threshold(values, "linear", 0.8, 0.2, 0.5) == pytest.approx(0.5)
    for progress, share in ((0.0, 0.2), (0.5, 0.5), (1.0, 0.8)):
        least = threshold(values, "quantile", 0.2, 0.8, progress)
        assert (values >= least).mean() == pytest.approx(share, abs=0.02)
    assert (values >= threshold(values, "quantile", 1.0, 1.0, 0.0)).all()
    assert not (values >= threshold(values, "quantile", 0.0, 0.0, 0.0)).any()
