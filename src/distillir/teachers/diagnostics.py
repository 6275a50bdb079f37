"""Diagnostics of a teacher's scores, to be looked at before training on them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Scores
from distillir.base.progress import say
from distillir.retrieval.ties import all_tied
from distillir.teachers.clumps import groups_of_lists, two_clumps

TARGET_ENTROPY = 0.5
# Entropy and temperature are taken from at most this many lists, evenly spaced over all.
LISTS_LOOKED_AT = 10_000
_LOWEST, _HIGHEST = 1e-8, 1e8
#: Above this entropy scores within 0 and 1 are told: a sigmoid has pressed their differences together.
PRESSED = 0.9
#: Two clumps are divided by no less than this part of the distance between them: a lower temperature, which half of the
#: uniform entropy asks for where many candidates are in the high one, makes much of what is noise within it. The rule
#: is ours (benchmarks/results/default.md).
CLUMP_TEMPERATURE = 0.25
#: Above this probability of its best candidate, in the softmax at temperature 1, a list is nearly one-hot.
ONE_HOT = 0.95

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Diagnostics:
    """Figures on a teacher's scores; means are over lists.

    Attributes:
        lists: Lists of at least two candidates.
        candidates: Mean length of a list.
        lowest: Lowest score of all.
        highest: Highest score of all.
        spread: Mean standard deviation within a list.
        range: Mean difference of a list's highest and lowest score.
        constant: Share of lists whose scores are all the same but for rounding: they teach nothing.
        entropy: Mean entropy of the softmax of a list's scores at temperature 1, over that of the uniform distribution:
            near 1 the teacher says "all alike", near 0 "this one and nothing else".
        temperature: Suggested teacher temperature: where that entropy, of the lists that are not all the same, is
            `TARGET_ENTROPY`. None where no temperature gives it. The rule is ours, a place to start from: soft enough
            that the order below the first place is learnt, sharp enough that it is seen. Of two clumps no less than
            `CLUMP_TEMPERATURE` of the distance between them.
        judged: Lists with a candidate that is judged relevant, and one that is not.
        agreement: Share of these whose best relevant candidate is above every other one; a tie counts against.
        rank: Mean rank of the best relevant candidate among those not judged relevant, from 1.
        ndcg_at_10: Mean nDCG@10 of the candidates in the teacher's order, over judged lists; binary relevance.
        tied: How many lists are constant.
        alone: Lists of fewer than two candidates; they are in no other figure.
        one_hot: Share of lists whose best candidate has more than `ONE_HOT` of the softmax at temperature 1.
        two_groups: Share of the scores' variance that lies between the two groups that part them best, of the lists
            that are not all the same: see `distillir.teachers.clumps`, also for what counts as two clumps.
        clumps: Whether the scores are two clumps; None of lists that are too few or too short to say.
    """

    lists: int
    candidates: float
    lowest: float | None
    highest: float | None
    spread: float | None
    range: float | None
    constant: float | None
    entropy: float | None
    temperature: float | None
    judged: int
    agreement: float | None
    rank: float | None
    ndcg_at_10: float | None
    tied: int = 0
    alone: int = 0
    one_hot: float | None = None
    two_groups: float | None = None
    clumps: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """The figures as a mapping for JSON."""
        return asdict(self)


def diagnose(scores: Sequence[Scores], relevant: Sequence[npt.NDArray[np.bool_]] | None = None) -> Diagnostics:
    """Look at a teacher's scores.

    Args:
        scores: One array a query; lists of fewer than two candidates are passed over.
        relevant: Aligned with ``scores``: which candidates are judged relevant. None where nothing is judged.
    """
    kept = [i for i, values in enumerate(scores) if len(values) > 1]
    lists = [np.asarray(scores[i], dtype=np.float64) for i in kept]
    agreement = _agreement(lists, [relevant[i] for i in kept]) if relevant is not None else (0, None, None, None)
    alone = len(scores) - len(kept)
    if not lists:
        return Diagnostics(0, 0.0, None, None, None, None, None, None, None, *agreement, alone=alone)
    ranges = np.array([values.max() - values.min() for values in lists])
    tied = np.array([all_tied(values) for values in lists])
    differing = [values for values, same in zip(lists, tied, strict=True) if not same]
    rows = _padded(lists)
    compared = _some(differing)
    groups = groups_of_lists(compared)
    clumps = two_clumps(compared, groups)
    temperature = suggest_temperature(_padded(differing)) if differing else None
    if clumps and groups is not None and temperature is not None:
        temperature = max(temperature, float(f"{CLUMP_TEMPERATURE * groups.apart:.3g}"))
    return Diagnostics(
        len(lists),
        float(np.mean([len(values) for values in lists])),
        float(min(values.min() for values in lists)),
        float(max(values.max() for values in lists)),
        float(np.mean([values.std() for values in lists])),
        float(ranges.mean()),
        float(tied.mean()),
        relative_entropy(rows, 1.0),
        temperature,
        *agreement,
        tied=int(tied.sum()),
        alone=alone,
        one_hot=float(np.mean(1 / np.exp(rows).sum(axis=1) > ONE_HOT)),
        two_groups=groups.between if groups else None,
        clumps=clumps,
    )


def _some(lists: Sequence[Matrix]) -> list[Matrix]:
    """A sample of at most `LISTS_LOOKED_AT` lists."""
    return [lists[i] for i in np.unique(np.linspace(0, len(lists) - 1, min(len(lists), LISTS_LOOKED_AT)).astype(int))]


def _padded(lists: Sequence[Matrix]) -> Matrix:
    """A sample of the lists as rows of a matrix, each less its maximum, -inf behind the end of a list."""
    chosen = _some(lists)
    matrix = np.full((len(chosen), max(len(values) for values in chosen)), -np.inf)
    for row, values in zip(matrix, chosen, strict=True):
        row[: len(values)] = values - values.max()
    return matrix


def relative_entropy(scores: Matrix, temperature: float) -> float:
    """Mean over rows of H(softmax(row / temperature)) / ln n, for rows [B, N] with maximum 0 and n finite places."""
    with np.errstate(invalid="ignore"):
        weights = np.exp(scores / temperature)
        total = weights.sum(axis=1)
        # H = ln Z - sum(p x), x being the logits; 0 where p is.
        expected = np.where(weights > 0, weights * (scores / temperature), 0.0).sum(axis=1) / total
    entropy = np.log(total) - expected
    return float(np.mean(entropy / np.log(np.isfinite(scores).sum(axis=1))))


def suggest_temperature(scores: Matrix, target: float = TARGET_ENTROPY) -> float | None:
    """The temperature at which `relative_entropy` is ``target``, by bisection (it rises with the temperature)."""
    low, high = _LOWEST, _HIGHEST
    if not relative_entropy(scores, low) < target < relative_entropy(scores, high):
        return None
    while high / low > 1.0001:
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if relative_entropy(scores, middle) < target else (low, middle)
    return float(f"{np.sqrt(low * high):.3g}")


def _agreement(
    lists: Sequence[Matrix], relevant: Sequence[npt.NDArray[np.bool_]]
) -> tuple[int, float | None, float | None, float | None]:
    ranks, gains = [], []
    for values, positive in zip(lists, relevant, strict=True):
        if positive.all() or not positive.any():
            continue
        ranks.append(1 + int(np.count_nonzero(values[~positive] >= values[positive].max())))
        # Stable, and relevant ones last among equals: a tie counts against here too.
        order = np.lexsort((positive, -values))
        discounts = 1 / np.log2(np.arange(2, min(10, len(values)) + 2))
        ideal = discounts[: int(positive.sum())].sum()
        gains.append(float(discounts[positive[order][: len(discounts)]].sum() / ideal))
    if not ranks:
        return 0, None, None, None
    return len(ranks), float(np.mean(np.array(ranks) == 1)), float(np.mean(ranks)), float(np.mean(gains))


def say_diagnostics(found: Diagnostics) -> None:
    """Print the figures, a line each kind."""
    if not found.lists:
        say(f"Teacher scores: no list of two candidates or more{f' ({found.alone} of one)' if found.alone else ''}")
        return
    say(
        f"Teacher scores: {found.lists} lists of {found.candidates:.1f} candidates, from {found.lowest:.3g} to "
        f"{found.highest:.3g}; within a list a spread of {found.spread:.3g} and a range of {found.range:.3g}"
    )
    if found.alone:
        say(f"  {found.alone} lists more have fewer than two candidates: there is nothing to compare")
    if found.tied:
        say(
            f"  {found.tied} lists ({found.constant:.1%}) have one score throughout: they order nothing, and are left "
            "out of what compares scores"
        )
    if found.judged:
        say(
            f"  {found.judged} judged lists: in {found.agreement:.1%} the best relevant candidate is first, mean rank "
            f"{found.rank:.1f}, nDCG@10 {found.ndcg_at_10:.3f}"
        )
    within = found.lowest is not None and found.lowest >= 0 and found.highest is not None and found.highest <= 1
    if within and found.entropy is not None and found.entropy > PRESSED and found.tied < found.lists:
        say(
            "  the scores lie within 0 and 1 and close together, as behind a sigmoid: raw scores (logits) keep the "
            "differences apart; else set the teacher temperature below"
        )
    suggested = "none reaches it" if found.temperature is None else f"teacher temperature {found.temperature:g}"
    if found.clumps and found.temperature is not None:
        suggested += f", which is no less than {CLUMP_TEMPERATURE:g} of the distance between the clumps below"
    say(
        f"  softmax entropy at temperature 1: {found.entropy:.2f} of uniform; "
        f"for {TARGET_ENTROPY:g} (our rule of thumb): {suggested}"
    )
    say(f"  in {found.one_hot:.1%} of the lists one candidate has more than {ONE_HOT:g} of that softmax")
    if found.clumps:
        say(
            f"  the scores are two clumps ({found.two_groups:.2f} of their variance lies between the two groups): they "
            "say yes or no, and little of what is better among the rest. A cross-encoder of your own: retrain it with "
            "distillir train-teacher --loss graded --soft-labels TEACHER"
        )
