"""Figures on pairs: how often pairwise and pointwise teacher disagree, and which of them is right."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from distillir.base.progress import say
from distillir.signals.preferences.pair_set import Pairs, sigmoid
from distillir.teaching.lists import Lists


@dataclass(frozen=True)
class PairDiagnostics:
    """Figures on the pairwise teacher's preferences.

    Attributes:
        pairs: How many.
        lists: Lists that have any.
        disagree: Share of the pairs that it orders otherwise than the pointwise teacher.
        judged: Pairs of which one alone is judged relevant.
        pairwise_right: Share of those in which it prefers the relevant one (half for no preference);
            None without any.
        pointwise_right: Share in which the pointwise teacher ranks it higher.
        certainty: Mean of |2 P - 1|: 0 where it never knows, 1 where it is always sure.
        position_bias: Mean of P(i beats j) + P(j beats i) - 1, asked in both orders: above 0 it prefers what stands
            first; None where one order was asked.
        consistent: Share of pairs with the same winner in both orders; None likewise.
    """

    pairs: int
    lists: int
    disagree: float
    judged: int
    pairwise_right: float | None
    pointwise_right: float | None
    certainty: float
    position_bias: float | None
    consistent: float | None

    def to_dict(self) -> dict[str, Any]:
        """The figures as a mapping for ``metrics.json``."""
        return asdict(self)

    def say(self) -> None:
        """Print them."""
        say(
            f"Pairs: {self.pairs} of {self.lists} lists; the pairwise teacher turns {self.disagree:.0%} of them round,"
            f" mean certainty {self.certainty:.2f}"
        )
        if self.pairwise_right is not None and self.pointwise_right is not None:
            say(
                f"  of {self.judged} with one judged positive it is right in {self.pairwise_right:.0%}, the pointwise"
                f" teacher in {self.pointwise_right:.0%}"
            )
        if self.position_bias is not None and self.consistent is not None:
            say(f"  position bias {self.position_bias:+.3f}; the same winner in both orders: {self.consistent:.0%}")


def diagnose_pairs(pairs: Pairs, lists: Lists) -> PairDiagnostics:
    """Figures on the pairs of a teaching set."""
    preferences = pairs.preferences
    relevant = [lists.relevant(int(index)) for index in pairs.lists]
    first = np.array([flags[place] for flags, place in zip(relevant, pairs.first, strict=True)], dtype=bool)
    second = np.array([flags[place] for flags, place in zip(relevant, pairs.second, strict=True)], dtype=bool)
    judged = first != second
    both = ~np.isnan(pairs.swapped)
    forward, backward = sigmoid(pairs.log_odds[both]), sigmoid(pairs.swapped[both])
    return PairDiagnostics(
        pairs=len(pairs),
        lists=len(np.unique(pairs.lists)),
        disagree=_share(preferences < 0.5) or 0.0,
        judged=int(judged.sum()),
        pairwise_right=_share(np.where(preferences == 0.5, 0.5, (preferences > 0.5) == first)[judged]),
        pointwise_right=_share(first[judged]),
        certainty=float(np.abs(2 * preferences - 1).mean()) if len(pairs) else 0.0,
        position_bias=float((forward + backward - 1).mean()) if both.any() else None,
        consistent=_share((forward - 0.5) * (backward - 0.5) < 0),
    )


def _share(flags: Any) -> float | None:
    return float(np.mean(flags)) if len(flags) else None
