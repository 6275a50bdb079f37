"""The interface of list samplers, which draw a training example's list from a query's candidates."""

from typing import Protocol

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores


class ListSampler(Protocol):
    """A list sampler: draws some of a query's candidates and labels them."""

    @property
    def size(self) -> int | None:
        """Candidates it asks for; None takes what there is."""

    @property
    def redraw(self) -> bool:
        """Tell whether the random part is drawn anew each epoch."""

    def choose(
        self, scores: Scores, relevant: Flags, generator: np.random.Generator, *, positives: Flags | None = None
    ) -> Rows:
        """Places of the chosen candidates, each once.

        Args:
            scores: Teacher scores of all candidates [N].
            relevant: Judged relevant or not [N].
            generator: For what is random.
            positives: Of these candidates [N] one is among the chosen, if there is any
                (`distillir.teaching.positives.with_positive`); None where it does not matter.
        """

    def labels(self, scores: Scores, relevant: Flags) -> Scores:
        """The order wanted of all candidates [N], float32: more is better, equal ones are not compared."""

    def outside(self, scores: Scores) -> float:
        """The label of documents that are no candidates of the query, given the scores of those that are [N]."""
