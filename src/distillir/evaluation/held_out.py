"""Evaluation without judgements: on held-out queries, whose judgements are the teacher's."""

import numpy as np

from distillir.collections import Qrels
from distillir.collections.run import Run

#: What metrics call a split that is no split.
HELD_OUT = "held-out (judged by the teacher)"


def teacher_qrels(run: Run) -> Qrels:
    """Make judgements in which only the first document of each query's list is relevant."""
    first = np.array([run.documents[start] for start in run.offsets[:-1] if start < len(run.documents)], dtype=np.int64)
    queries = run.queries[np.diff(run.offsets) > 0]
    order = np.argsort(queries, kind="stable")
    return Qrels(queries[order], first[order], np.ones(len(order), dtype=np.int32))
