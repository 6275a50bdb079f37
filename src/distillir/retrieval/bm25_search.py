"""Search over the postings of a BM25 index: all of them for a query, or, in a large index, those that may matter."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores
from distillir.base.progress import say
from distillir.retrieval.bm25_bounds import load_bounds, reached

#: Indices of more documents are searched by compiled code; loading it takes a second, and so does a thousand queries.
SMALL = 50_000
_QUERIES_AT_ONCE = 16
Found = list[tuple[Rows, Scores]]


class Search(Protocol):
    """Documents of queries that are given as terms."""

    def __call__(self, queries: Sequence[Sequence[int]], depth: int) -> Found:
        """Rank at most ``depth`` documents for each query: rows and scores, best first, ties by row, ascending."""
        ...


def open_search(index: Any, folder: Path, identity: str, documents: int | None = None) -> Search:
    """A search over an index, by the way that suits its size.

    Args:
        index: A bm25s index.
        folder: Where it lies.
        identity: Its fingerprint.
        documents: The number of documents that decides (default: its own).
    """
    documents = int(index.scores["num_docs"]) if documents is None else documents
    if documents <= SMALL:
        return FullSearch(index)
    if find_spec("numba") is None:
        say(
            f"BM25: without numba all postings of a query are added up for {documents} documents, with it a tenth or "
            "fewer, by all processors; pip install 'distillir[scale]'"
        )
        return FullSearch(index)
    return PrunedSearch(index, folder, identity)


class FullSearch:
    """Adds up all postings of a query in an array as long as the corpus, one query at a time.

    Args:
        index: A bm25s index.
    """

    def __init__(self, index: Any) -> None:
        self._index = index

    def __call__(self, queries: Sequence[Sequence[int]], depth: int) -> Found:
        """See `Search`."""
        nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        return [best(self._index.get_scores_from_ids(list(q)), depth) if len(q) else nothing for q in queries]


class PrunedSearch:
    """Finds the same without looking at most postings, by several threads (`distillir.retrieval.bm25_kernel`).

    Args:
        index: A bm25s index.
        folder: Where it lies.
        identity: Its fingerprint.
    """

    def __init__(self, index: Any, folder: Path, identity: str) -> None:
        scores = index.scores
        self._documents = int(scores["num_docs"])
        # As plain arrays: the compiled code knows no others.
        self._postings = tuple(np.asarray(scores[name]) for name in ("data", "indices", "indptr"))
        self._bounds = load_bounds(folder, identity, self._postings[0], self._postings[2])

    def __call__(self, queries: Sequence[Sequence[int]], depth: int) -> Found:
        """See `Search`."""
        parts = [queries[start : start + _QUERIES_AT_ONCE] for start in range(0, len(queries), _QUERIES_AT_ONCE)]
        depth = min(depth, self._documents)
        least = reached(self._bounds, depth)
        threads = min(allowed_threads(), len(parts))
        if threads <= 1:
            return [found for part in parts for found in self._part(part, depth, least)]
        found = _pool(threads, os.getpid()).map(lambda part: self._part(part, depth, least), parts)
        return [one for part in found for one in part]

    def _part(self, queries: Sequence[Sequence[int]], depth: int, least: npt.NDArray[np.float32]) -> Found:
        from distillir.retrieval.bm25_kernel import best_of

        sizes = np.array([len(q) for q in queries], dtype=np.int64)
        words = np.fromiter((term for q in queries for term in q), dtype=np.int64, count=int(sizes.sum()))
        asked = _Asked(sizes, words, self._bounds[0])
        rows, scores = np.empty((len(queries), depth), np.int32), np.empty((len(queries), depth), np.float32)
        counts = np.zeros(len(queries), dtype=np.int64)
        best_of(*self._postings, self._bounds[0], least, self._documents, *asked.arrays, rows, scores, counts)
        return [(rows[i, :count].astype(np.int64), scores[i, :count].copy()) for i, count in enumerate(counts.tolist())]


class _Asked:
    """Words of some queries as `distillir.retrieval.bm25_kernel.best_of` takes them (``arrays``).

    Args:
        sizes: Number of words of each query [Q].
        words: Their terms, in order.
        maxima: The best score of each term [terms].
    """

    def __init__(
        self, sizes: npt.NDArray[np.int64], words: npt.NDArray[np.int64], maxima: npt.NDArray[np.float32]
    ) -> None:
        queries, terms = np.arange(len(sizes) + 1), len(maxima)
        owners = np.repeat(queries[:-1], sizes)
        keys, of_key, times = np.unique(owners * terms + words, return_inverse=True, return_counts=True)
        order = np.lexsort((times * maxima[keys % terms], keys // terms))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        starts = np.searchsorted(keys, queries * terms)
        word_starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
        distinct, named = (keys % terms)[order], times[order].astype(np.float32)
        self.arrays = starts, distinct, named, word_starts, place[of_key] - starts[owners]


def allowed_threads() -> int:
    """Processors that this process may use, shared with the others that a launcher has started on this machine."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        allowed = os.cpu_count() or 1
    return max(1, allowed // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads of this process: those of the one it was forked from are not there."""
    return ThreadPoolExecutor(threads, thread_name_prefix="bm25")


def best(scores: npt.NDArray[np.float32], depth: int) -> tuple[Rows, Scores]:
    """The ``depth`` highest of the positive scores [N], with their rows.

    Only documents that have a score are sorted: numpy's partition of a vector that is mostly zeros, as bm25s'
    ``retrieve`` does it, takes 40 times as long (measured on 1 million documents).
    """
    rows = np.flatnonzero(scores > 0)
    values = scores[rows]
    if len(rows) > depth:
        least = np.partition(values, len(values) - depth)[len(values) - depth]
        rows, values = rows[values >= least], values[values >= least]
    order = np.lexsort((rows, -values))[:depth]
    return rows[order], values[order]
