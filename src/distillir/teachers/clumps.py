"""Detection of scores in two clumps, as of a teacher that says no more than "yes" and "no"."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Between-group share of the variance above which scores may be two clumps: of large samples it is 2/pi = 0.64 for
#: normal scores, 0.65 for exponential and 0.75 for uniform ones. The rule is ours.
BETWEEN = 0.8
#: Most that either group's standard deviation may be of the distance between their means; of uniform scores it is
#: 0.29, of normal ones 0.38.
NARROW = 0.25
#: Fewer scores, or lists that are shorter on average, are not judged: of five candidates one that stands out is half of
#: what there is to see, and so it is with every good teacher.
LEAST_SCORES, LEAST_CANDIDATES = 100, 8

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TwoGroups:
    """The best division of numbers into a low and a high group (Otsu 1979, IEEE Trans. SMC 9(1)).

    Attributes:
        between: Share of the variance that lies between the groups, 0..1.
        low_spread: Standard deviation of the low group, as a share of the distance between the groups' means.
        high_spread: That of the high group.
        apart: Distance between the groups' means, in units of the numbers.
    """

    between: float
    low_spread: float
    high_spread: float
    apart: float

    @property
    def clumps(self) -> bool:
        """Tell whether the groups are two clumps: far apart (`BETWEEN`), and each narrow (`NARROW`)."""
        return self.between > BETWEEN and max(self.low_spread, self.high_spread) <= NARROW


def two_groups(values: Values) -> TwoGroups | None:
    """Divide numbers [N] where the variance between the groups is largest; None where all are the same."""
    ordered = np.sort(values - np.mean(values))
    total = float((ordered**2).sum())
    if len(ordered) < 2 or ordered[0] == ordered[-1] or total == 0:
        return None
    low = np.arange(1, len(ordered))
    high, sums = len(ordered) - low, np.cumsum(ordered)
    means_apart = (sums[-1] - sums[:-1]) / high - sums[:-1] / low
    between = low * high / len(ordered) * means_apart**2
    best = int(between.argmax())
    gap = float(means_apart[best])
    low_spread, high_spread = (float(part.std()) / gap for part in (ordered[: best + 1], ordered[best + 1 :]))
    return TwoGroups(min(1.0, float(between[best]) / total), low_spread, high_spread, gap)


def two_clumps(lists: Sequence[Values], groups: TwoGroups | None) -> bool | None:
    """Tell whether the groups of lists are two clumps; None where the lists are too few or too short to say."""
    scores = sum(map(len, lists))
    if groups is None or scores < max(LEAST_SCORES, LEAST_CANDIDATES * len(lists)):
        return None
    return groups.clumps


def groups_of_lists(lists: Sequence[Values]) -> TwoGroups | None:
    """Divide the scores of several lists: as they are, or less each list's median, whichever parts them better.

    Cross-entropy on pairs fixes a level of its scores for all queries; losses over lists leave each list its own.

    Args:
        lists: Scores, one array a list.

    Returns:
        The better division; None where there is nothing to divide.
    """
    if not lists:
        return None
    as_they_are = two_groups(np.concatenate(lists))
    levelled = two_groups(np.concatenate([values - np.median(values) for values in lists]))
    found = [groups for groups in (as_they_are, levelled) if groups is not None]
    return max(found, key=lambda groups: (groups.clumps, groups.between), default=None)
