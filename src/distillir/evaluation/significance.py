"""Significance of a difference between two runs: paired tests, confidence intervals, correction for several."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distillir.base.errors import DistillirError
from distillir.evaluation.measures import Evaluation

Values = npt.NDArray[np.float64]
TESTS = ("t-test", "randomisation")
_NUMBERS_AT_A_TIME = 1 << 22


@dataclass(frozen=True)
class Comparison:
    """One measure of two runs over the same queries.

    Attributes:
        measure: Its name.
        before: Mean of the first run.
        after: Mean of the second run.
        difference: ``after - before``.
        low: Lower end of the confidence interval of the difference.
        high: Upper end of it.
        p_value: Two-sided, of the hypothesis that there is no difference.
        wins: Queries where the second run is better.
        losses: Queries where it is worse.
        ties: Queries where both are equal.
        test: Which of `TESTS` gave ``p_value``.
    """

    measure: str
    before: float
    after: float
    difference: float
    low: float
    high: float
    p_value: float
    wins: int
    losses: int
    ties: int
    test: str


def compare(
    before: Evaluation,
    after: Evaluation,
    measure: str,
    *,
    test: str = "t-test",
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare two evaluations of the same queries.

    Args:
        before: The first.
        after: The second.
        measure: A measure that both have.
        test: ``t-test`` (as Urbano et al., SIGIR 2019, advise for IR) or ``randomisation``.
        confidence: Of the interval of the mean difference; see `bootstrap_interval`.
        resamples: Of the bootstrap and of the randomisation test.
        seed: Of both.

    Returns:
        The comparison.

    Raises:
        DistillirError: Different queries, a measure that one lacks, or an unknown test.
    """
    if test not in TESTS:
        raise DistillirError(f"unknown test {test!r}", remedy=f"choose one of: {', '.join(TESTS)}")
    if not np.array_equal(before.queries, after.queries):
        raise DistillirError("the two evaluations are of different queries", remedy="evaluate both on the same split")
    for evaluation in (before, after):
        if measure not in evaluation.values:
            raise DistillirError(f"{measure} was not measured", remedy=f"choose of: {', '.join(evaluation.values)}")
    first, second = before.values[measure], after.values[measure]
    differences = second - first
    low, high = bootstrap_interval(differences, confidence=confidence, resamples=resamples, seed=seed)
    p_value = paired_t_test(differences) if test == "t-test" else randomisation_test(differences, resamples, seed)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    return Comparison(
        measure=measure,
        before=float(first.mean()),
        after=float(second.mean()),
        difference=float(differences.mean()),
        low=low,
        high=high,
        p_value=p_value,
        wins=wins,
        losses=losses,
        ties=len(differences) - wins - losses,
        test=test,
    )


def paired_t_test(differences: Values) -> float:
    """Two-sided p-value of Student's paired t-test on per-query differences [Q].

    1 where all differences are 0 or there are fewer than two; 0 where they are all the same other number.
    """
    from scipy import stats

    if len(differences) < 2 or not differences.any():
        return 1.0
    if np.ptp(differences) == 0:
        return 0.0
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def randomisation_test(differences: Values, resamples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value of Fisher's paired randomisation test: signs of the differences [Q] flipped at random.

    Exact where all 2^Q flips are no more than ``resamples``, else of a random sample in which the data itself counts
    as one, so that it is never 0 (Phipson and Smyth, 2010). The statistic is the absolute mean difference (Smucker et
    al., CIKM 2007).
    """
    changed = differences[differences != 0]
    if not len(changed):
        return 1.0
    # The sum of zeros is the same under any flip: only queries that changed enter. The slack takes up rounding.
    observed = abs(changed.sum()) * (1 - 1e-12)
    exact = len(changed) < 63 and 2 ** len(changed) <= resamples
    total = 2 ** len(changed) if exact else resamples
    generator = np.random.default_rng(seed)
    reached, step = 0, max(1, _NUMBERS_AT_A_TIME // len(changed))
    for start in range(0, total, step):
        count = min(step, total - start)
        if exact:
            flips = (np.arange(start, start + count)[:, None] >> np.arange(len(changed))) & 1
        else:
            flips = generator.integers(0, 2, size=(count, len(changed)), dtype=np.int8)
        reached += int((np.abs((1.0 - 2.0 * flips) @ changed) >= observed).sum())
    return reached / total if exact else (reached + 1) / (total + 1)


def bootstrap_interval(
    differences: Values, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of per-query differences [Q] (Efron); the same for the same seed."""
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    step = max(1, _NUMBERS_AT_A_TIME // max(1, len(differences)))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = generator.integers(0, len(differences), size=(count, len(differences)))
        means[start : start + count] = differences[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for several tests (Holm, 1979), in the order given: each may be compared with alpha."""
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = (count - np.arange(count)) * np.asarray(p_values, dtype=np.float64)[order]
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return [float(p) for p in adjusted]
