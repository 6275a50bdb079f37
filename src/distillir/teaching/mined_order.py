"""A teaching set without scores, with its candidates in the order of mining."""

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores
from distillir.teaching.teaching_set import TeachingSet


class MinedOrder:
    """Lists with falling scores by mined rank, for objectives that need no teacher.

    Args:
        lists: A teaching set.
    """

    def __init__(self, lists: TeachingSet) -> None:
        self.lists = lists
        self.queries: Rows = lists.queries

    def documents(self, index: int) -> Rows:
        """Candidate rows of the ``index``-th query."""
        return self.lists.documents(index)

    def scores(self, index: int) -> Scores:
        """0, -1, -2, ... [N]."""
        return -np.arange(len(self.lists.documents(index)), dtype=np.float32)

    def relevant(self, index: int) -> npt.NDArray[np.bool_]:
        """Mask [N] of the candidates that are judged relevant."""
        return self.lists.relevant(index)
