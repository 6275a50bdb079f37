"""Tests of significance against scipy, closed forms and invariances."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from distillir.base.errors import DistillirError
from distillir.evaluation.measures import Evaluation
from distillir.evaluation.significance import (
    bootstrap_interval,
    compare,
    holm_correction,
    paired_t_test,
    randomisation_test,
)

Values = npt.NDArray[np.float64]


def evaluation(values: Values, queries: npt.NDArray[np.int64] | None = None) -> Evaluation:
    return Evaluation(np.arange(len(values)) if queries is None else queries, {"MRR@10": values}, 0)


def sample(seed: int, count: int, shift: float) -> tuple[Values, Values]:
    rng = np.random.default_rng(seed)
    before = rng.random(count)
    return before, np.clip(before + rng.normal(shift, 0.3, count), 0, 1)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.2])
def test_t_test_is_scipy_s(shift: float) -> None:
    before, after = sample(1, 40, shift)
    assert paired_t_test(after - before) == pytest.approx(stats.ttest_rel(after, before).pvalue, rel=1e-9)


def test_small_randomisation_is_exact() -> None:
    before, after = sample(2, 11, 0.2)
    differences = after - before
    expected = stats.permutation_test(
        (differences,),
        lambda x, axis: np.abs(x.mean(axis=axis)),
        permutation_type="samples",
        alternative="greater",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert randomisation_test(differences, resamples=2**11) == pytest.approx(expected.pvalue, abs=1e-12)


def test_all_wins_have_the_probability_of_the_signs() -> None:
    assert randomisation_test(np.array([1.0, 2.0, 3.0, 0.5, 0.25])) == 2 / 2**5
    assert randomisation_test(np.array([1.0, 0.0, 2.0, 0.0, 3.0, 0.5, 0.25])) == 2 / 2**5, "zeros change nothing"


def test_large_randomisation_is_near_the_t_test_and_never_0() -> None:
    before, after = sample(3, 300, 0.03)
    differences = after - before
    assert randomisation_test(differences, 20_000) == pytest.approx(paired_t_test(differences), abs=0.02)
    assert randomisation_test(np.ones(500), 1000) == 1 / 1001


def test_p_values_under_the_null_are_uniform() -> None:
    rng = np.random.default_rng(4)
    p = [randomisation_test(rng.normal(size=30), 500, seed) for seed in range(300)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_degenerate_differences() -> None:
    assert paired_t_test(np.zeros(10)) == randomisation_test(np.zeros(10)) == 1.0
    assert paired_t_test(np.array([0.5])) == 1.0
    assert paired_t_test(np.full(5, 0.1)) == 0.0
    assert bootstrap_interval(np.full(5, 0.25)) == (0.25, 0.25)


def test_bootstrap_is_near_theory_and_repeatable() -> None:
    differences = np.random.default_rng(5).normal(0.1, 0.5, 400)
    low, high = bootstrap_interval(differences)
    error = differences.std(ddof=1) / np.sqrt(400)
    assert (low, high) == pytest.approx(
        (differences.mean() - 1.96 * error, differences.mean() + 1.96 * error), abs=0.005
    )
    assert bootstrap_interval(differences) == (low, high)
    assert bootstrap_interval(differences, seed=1) != (low, high)
    reference = stats.bootstrap((differences,), np.mean, method="percentile", n_resamples=10_000).confidence_interval
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=0.005)


@pytest.mark.parametrize("test", ["t-test", "randomisation"])
def test_compare_tells_the_whole_story(test: str) -> None:
    before, after = np.array([0.0, 0.5, 1.0, 0.2] * 10), np.array([1.0, 0.5, 0.5, 0.9] * 10)
    result = compare(evaluation(before), evaluation(after), "MRR@10", test=test)
    assert (result.wins, result.losses, result.ties) == (20, 10, 10)
    assert result.difference == pytest.approx(result.after - result.before) == pytest.approx(0.3)
    assert result.low < result.difference < result.high
    assert result.p_value < 0.01
    swapped = compare(evaluation(after), evaluation(before), "MRR@10", test=test)
    assert (swapped.wins, swapped.losses) == (10, 20)
    assert swapped.p_value == pytest.approx(result.p_value)
    assert (-swapped.high, -swapped.low) == pytest.approx((result.low, result.high), abs=0.02)


def test_compare_refuses_what_cannot_be_compared() -> None:
    values = np.array([0.1, 0.2])
    with pytest.raises(DistillirError, match="different queries"):
        compare(evaluation(values), evaluation(values, np.array([0, 5])), "MRR@10")
    with pytest.raises(DistillirError, match="nDCG@10 was not measured"):
        compare(evaluation(values), evaluation(values), "nDCG@10")
    with pytest.raises(DistillirError, match="unknown test"):
        compare(evaluation(values), evaluation(values), "MRR@10", test="anova")


def test_holm() -> None:
    assert holm_correction([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_correction([0.9, 0.8]) == [1.0, 1.0]
    assert holm_correction([0.02]) == [0.02]
    assert holm_correction([]) == []
