"""Evaluation without judgements: queries held out, which the teacher judges."""

import numpy as np

from distillir.collections import Qrels
from distillir.retrieval.run import Run

#: What metrics call a split that is no split.
HELD_OUT = "held-out (judged by the teacher)"


def teacher_qrels(run: Run) -> Qrels:
    """Judgements in which a run's first document of each query is relevant and nothing else."""
    first = np.array([run.documents[start] for start in run.offsets[:-1] if start < len(run.documents)], dtype=np.int64)
    queries = run.queries[np.diff(run.offsets) > 0]
    order = np.argsort(queries, kind="stable")
    return Qrels(queries[order], first[order], np.ones(len(order), dtype=np.int32))
