"""Plain lists: some of a query's candidates, ordered as the teacher scores them."""

from dataclasses import dataclass

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores
from distillir.teaching.positives import with_positive

SAMPLES = {
    "top": "the best candidates by the teacher's score",
    "random": "candidates at random, drawn anew each epoch",
    "top_random": "the teacher's best candidate and the rest at random, drawn anew each epoch",
    "stratified": "the teacher's best, and one of each of equal parts of its range of scores (reconstruction)",
    "positive_random": "as top_random, with the judged positive that the teacher scores best in place of its best",
    "first_positive": "as positive_random, with the judged positive that stands first among the candidates, whatever "
    "the teacher thinks of it, and none of the others (as LEAD)",
}


@dataclass(frozen=True)
class PlainLists:
    """``size`` candidates, chosen by ``sample``.

    Attributes:
        size: Most candidates in a training example; None takes the whole list.
        sample: One of `SAMPLES`.
    """

    size: int | None = None
    sample: str = "top_random"

    @property
    def redraw(self) -> bool:
        """True: the random part is drawn anew each epoch."""
        return True

    def choose(
        self, scores: Scores, relevant: Flags, generator: np.random.Generator, *, positives: Flags | None = None
    ) -> Rows:
        """See `ListSampler`."""
        if self.sample == "first_positive" and relevant.any():
            return self._first_and_negatives(relevant, generator)
        size = len(scores)
        keep = size if self.size is None else min(self.size, size)
        if keep == size:
            return np.arange(size)
        drawn = with_positive(self._drawn(keep, scores, relevant, generator), scores, positives)
        return np.sort(drawn) if self.sample == "random" else drawn

    def _drawn(self, keep: int, scores: Scores, relevant: Flags, generator: np.random.Generator) -> Rows:
        """Places of ``keep`` candidates: in order, or as they were drawn, so that any of these may be the last."""
        best = np.argsort(-scores, kind="stable")
        if self.sample == "top":
            return best[:keep]
        if self.sample == "random":
            return generator.choice(len(scores), keep, replace=False)
        if self.sample == "stratified":
            return _stratified(scores, keep, generator)
        judged = relevant[best] if self.sample == "positive_random" else best[:0]
        first = best[int(np.argmax(judged))] if judged.any() else best[0]
        rest = generator.choice(best[best != first], keep - 1, replace=False)
        return np.concatenate([[first], rest])

    def _first_and_negatives(self, relevant: Flags, generator: np.random.Generator) -> Rows:
        """Places of the first positive and of random candidates that are none."""
        negatives = np.flatnonzero(~relevant)
        count = len(negatives) if self.size is None else min(self.size - 1, len(negatives))
        return np.concatenate([[int(np.argmax(relevant))], generator.choice(negatives, count, replace=False)])

    def labels(self, scores: Scores, relevant: Flags) -> Scores:
        """The teacher's scores themselves."""
        return scores

    def outside(self, scores: Scores) -> float:
        """Below every candidate."""
        return float(scores.min()) - 1.0 if len(scores) else 0.0


def _stratified(scores: Scores, keep: int, generator: np.random.Generator) -> Rows:
    """The best candidate, and one of each of ``keep - 1`` equally wide parts of the range of scores.

    Candidates that lie in parts of their own stand in for parts that are empty, drawn at random. Of the source ('Beyond
    Hard Negatives', arXiv 2604.04734) only the idea was to be had: sampling in strata over the range of teacher scores.
    """
    best = int(np.argmax(scores))
    edges = np.linspace(scores.max(), scores.min(), keep)
    part = np.clip(np.searchsorted(-edges, -scores, side="right") - 1, 0, keep - 2)
    part[best] = -1
    order = generator.permutation(len(scores))
    order = order[order != best]
    # The first of each part in random order, then whatever is left, in the same order.
    _, first = np.unique(part[order], return_index=True)
    rest = np.delete(order, first)
    return np.concatenate([[best], order[np.sort(first)], rest])[:keep].astype(np.int64)
