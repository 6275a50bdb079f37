"""List form: how a lesson's list is cut from a query's candidates."""

from typing import Protocol

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores


class ListForm(Protocol):
    """One way of cutting lists."""

    @property
    def size(self) -> int | None:
        """Candidates it asks for; None takes what there is."""

    @property
    def redraw(self) -> bool:
        """Whether what is random is drawn anew each epoch."""

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
