"""Graded lists: the head of the teacher's ranking in order, then two groups whose inside is not ordered (CL-DRD)."""

from dataclasses import dataclass

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores
from distillir.teaching.positives import with_positive

HARD, REMAINING = -0.25, -0.5


@dataclass(frozen=True)
class GradedLists:
    """The first ``top`` candidates in order, above ``hard`` of those that follow, above ``remaining`` of the rest.

    A query with fewer candidates than `size` keeps the top group, and what is left is shared between the other two in
    their proportion; where a group's range holds fewer than it asks for, the cut moves.

    Attributes:
        top: Candidates whose order is taught; their labels are 1, 1/2, 1/3, ...
        hard: Candidates of the second group; label -0.25.
        remaining: Candidates of the third group; label -0.5.
        cut: Last rank of the second group's range, or ``half``: the range is the first half of what follows the top
            group. The original's cut is not known: ``half`` is a reconstruction.
        first: ``judged``: judged positives stand before all others, among themselves as the teacher scores them;
            ``teacher``: the teacher's order alone. Candidates that the teacher ties keep the order they were mined in.
        redraw: Draw the two groups anew each epoch (ours); else once, as in the original's prepared files.
        spare: With ``judged``: judged positives beyond the top group are labelled as its last one, not as the negatives
            of the other two (ours; the original's code labels them by rank alone).

    Source:
        Zeng et al. 2022 (arXiv 2204.13679), HansiZeng/CL-DRD dataset/nway_dataset.py (label modes 8, 9, 10, 6).
    """

    top: int
    hard: int
    remaining: int
    cut: int | str = "half"
    first: str = "judged"
    redraw: bool = False
    spare: bool = True

    @property
    def size(self) -> int:
        """Candidates of a whole list."""
        return self.top + self.hard + self.remaining

    def choose(
        self, scores: Scores, relevant: Flags, generator: np.random.Generator, *, positives: Flags | None = None
    ) -> Rows:
        """See `ListSampler`; the top group first, in order."""
        ranked = self._ranked(scores, relevant)
        top, edge, hard, remaining = self._edges(len(ranked))
        chosen = np.concatenate(
            [
                ranked[:top],
                generator.choice(ranked[top:edge], hard, replace=False),
                generator.choice(ranked[edge:], remaining, replace=False),
            ]
        )
        # Where judged positives stand first and there is a top group, they are in it.
        return with_positive(chosen, scores, positives)

    def labels(self, scores: Scores, relevant: Flags) -> Scores:
        """See `ListSampler`; candidates that are not drawn have their group's label too."""
        ranked = self._ranked(scores, relevant)
        top, edge, _, _ = self._edges(len(ranked))
        graded = np.full(len(ranked), REMAINING, dtype=np.float32)
        graded[:edge] = HARD
        graded[:top] = 1.0 / np.arange(1, top + 1)
        labels = np.empty_like(graded)
        labels[ranked] = graded
        if self.spare and self.first == "judged":
            labels[relevant] = np.maximum(labels[relevant], 1.0 / max(top, 1))
        return labels

    def outside(self, scores: Scores) -> float:
        """The label of the remaining candidates, as in the original's code (its option of in-batch passages)."""
        return REMAINING

    def _ranked(self, scores: Scores, relevant: Flags) -> Rows:
        if self.first == "judged":
            return np.lexsort((-scores, ~relevant))
        return np.argsort(-scores, kind="stable")

    def _edges(self, candidates: int) -> tuple[int, int, int, int]:
        """End of the top group's range, end of the hard group's, and how many of the hard and remaining are drawn."""
        top = min(self.top, candidates)
        left, wanted = candidates - top, self.hard + self.remaining
        if not wanted:
            return top, candidates, 0, 0
        hard = self.hard if left >= wanted else round(left * self.hard / wanted)
        remaining = self.remaining if left >= wanted else left - hard
        cut = (left + 1) // 2 if isinstance(self.cut, str) else self.cut - top
        return top, top + min(max(cut, hard), left - remaining), hard, remaining
