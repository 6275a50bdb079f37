"""Run: a ranking of documents per query with scores, in arrays; TREC files in and out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from distillir.base.arrays import Rows, Scores, as_scores


@dataclass(frozen=True)
class Run:
    """Ragged rankings: query ``i`` owns the slice ``offsets[i]:offsets[i + 1]`` of documents and scores.

    Attributes:
        queries: Query rows [Q], int64, distinct.
        offsets: [Q + 1], int64.
        documents: Document rows [T], int64, best first within a query.
        scores: [T], float32, not ascending within a query.
        name: The run's tag in TREC files.
    """

    queries: Rows
    offsets: Rows
    documents: Rows
    scores: Scores
    name: str = "distillir"

    def __len__(self) -> int:
        return len(self.queries)

    def of(self, index: int) -> tuple[Rows, Scores]:
        """Documents and scores of the ``index``-th query of the run (a position, not a query row)."""
        part = slice(self.offsets[index], self.offsets[index + 1])
        return self.documents[part], self.scores[part]

    @property
    def lists(self) -> list[Rows]:
        """Document rows per query, in the order of ``queries``."""
        return [self.of(i)[0] for i in range(len(self))]

    def top(self, depth: int) -> "Run":
        """The same run cut to its first ``depth`` documents a query."""
        parts = [self.of(i) for i in range(len(self))]
        return from_lists(self.queries, [d[:depth] for d, _ in parts], [s[:depth] for _, s in parts], self.name)

    def select(self, queries: Iterable[int]) -> "Run":
        """The same run for some of its query rows, in the order given; unknown ones get an empty list."""
        place = {int(q): i for i, q in enumerate(self.queries)}
        rows = np.fromiter((int(q) for q in queries), dtype=np.int64)
        empty = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))
        parts = [self.of(place[int(q)]) if int(q) in place else empty for q in rows]
        return from_lists(rows, [d for d, _ in parts], [s for _, s in parts], self.name)


def from_lists(
    queries: Sequence[int] | Rows,
    documents: Sequence[Rows],
    scores: Sequence[Scores],
    name: str = "distillir",
) -> Run:
    """Make a `Run` of per-query lists, sorted by score descending (ties keep the order given)."""
    sizes = np.fromiter((len(d) for d in documents), dtype=np.int64, count=len(documents))
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    orders = [np.argsort(-as_scores(s), kind="stable") for s in scores]
    flat_documents = [np.asarray(d, dtype=np.int64)[o] for d, o in zip(documents, orders, strict=True)]
    flat_scores = [as_scores(s)[o] for s, o in zip(scores, orders, strict=True)]
    return Run(
        np.asarray(queries, dtype=np.int64),
        offsets,
        np.concatenate(flat_documents) if flat_documents else np.empty(0, dtype=np.int64),
        np.concatenate(flat_scores) if flat_scores else np.empty(0, dtype=np.float32),
        name,
    )
