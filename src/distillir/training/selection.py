"""Selection of a student's best state: by queries that are not learnt from, on a fixed pool of documents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xxhash

from distillir.base.arrays import Rows
from distillir.collections import Qrels

MEASURE = "nDCG@10"


@dataclass(frozen=True)
class Selection:
    """Queries, a pool of documents and what is relevant in it; the student ranks the pool while it is trained.

    Attributes:
        split: What messages and the log call the queries: a split's name, or "held-out training queries".
        queries: Query rows [Q], ascending.
        documents: Document rows of the pool [D], ascending.
        qrels: Judgements of the queries on documents of the pool; each query has a relevant one.
        own: Row of the document [Q] that a query itself is, which is not ranked for it; -1 where there is none.
        left_out: Query rows whose lists are not learnt from, ascending.
        precision: What the student encodes in while it is measured.
        lists: Candidates of each query, the best first: all that a student ranks which scores by pair; None: the pool.
    """

    split: str
    queries: Rows
    documents: Rows
    qrels: Qrels
    own: Rows
    left_out: Rows
    precision: str = "float32"
    lists: Sequence[Rows] | None = None

    @property
    def fingerprint(self) -> str:
        """Identity of all that decides a measure, and of what is not learnt from (hex)."""
        digest = xxhash.xxh3_128(self.precision.encode())
        qrels = (self.qrels.queries, self.qrels.documents, self.qrels.grades)
        for values in (self.queries, self.documents, *qrels, self.own, self.left_out):
            digest.update(f"{len(values)} ".encode() + np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()


def measure_steps(steps: int, measures: int) -> list[int]:
    """Steps after which a student is measured: evenly spaced, the last one is the end.

    Args:
        steps: Steps of the training.
        measures: How many at most; of a training of fewer steps each one.
    """
    return sorted({round(steps * number / measures) for number in range(1, measures + 1)} - {0})
