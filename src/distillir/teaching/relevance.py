"""Relevance of candidates by judgements."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.collections import Qrels


def judged_relevant(qrels: Qrels, queries: Iterable[int], lists: Sequence[Rows]) -> list[npt.NDArray[np.bool_]]:
    """Masks of each list's documents that the qrels judge relevant (grade above 0) to its query.

    Args:
        qrels: Judgements of one split.
        queries: Query rows [Q].
        lists: Document rows of each query.
    """
    return [np.isin(rows, qrels.relevant(int(query))) for query, rows in zip(queries, lists, strict=True)]
