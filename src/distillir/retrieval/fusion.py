"""Fusion of several runs into one, by rank or by normalised score."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Scores, as_scores
from distillir.base.errors import DistillirError
from distillir.collections.run import Run, from_lists

FUSIONS = ("rrf", "zscore", "minmax", "union")
RRF_K = 60
Weights = npt.NDArray[np.float64]


def fuse(runs: Sequence[Run], *, how: str = "rrf", weights: Sequence[float] | None = None, depth: int) -> Run:
    """Fuse runs into one.

    - ``rrf``: sum of weight / (60 + rank), the reciprocal rank fusion of Cormack, Clarke and Buettcher, SIGIR 2009.
    - ``zscore``: weighted sum of scores, per run and query brought to mean 0 and deviation 1 over the list.
    - ``minmax``: weighted sum of scores, per run and query brought to 0..1 over the list (1 where all are equal).
    - ``union``: every document by its best rank in any run, earlier runs first; weights do not enter.

    For the two sums, a document that a run does not list gets the lowest normalised score of that run's list. Ties
    are broken by document row, ascending (``union``: by run, then by row).

    Args:
        runs: At least one; queries that a run lacks count as an empty list there.
        how: One of `FUSIONS`.
        weights: One per run (default: all 1).
        depth: Documents per query kept.

    Returns:
        A run over all queries, in order of first appearance, named by the parts joined with ``+``.

    Raises:
        DistillirError: No run, an unknown ``how``, or not one weight per run.
    """
    if how not in FUSIONS:
        raise DistillirError(f"unknown fusion {how!r}", remedy=f"choose one of: {', '.join(FUSIONS)}")
    if not runs:
        raise DistillirError("no runs to fuse")
    shares: Weights = np.ones(len(runs)) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(shares) != len(runs):
        raise DistillirError(f"{len(shares)} weights for {len(runs)} runs", remedy="give one weight per run")
    queries = list(dict.fromkeys(int(q) for run in runs for q in run.queries))
    aligned = [run.select(queries) for run in runs]
    documents, scores = [], []
    for place in range(len(queries)):
        parts = [run.of(place) for run in aligned]
        found = np.unique(np.concatenate([rows for rows, _ in parts]))
        fused = _fused(how, [np.searchsorted(found, rows) for rows, _ in parts], parts, shares, len(found))
        # Ordered before the cast to float32, which may make near scores equal; from_lists keeps the order of ties.
        order = np.argsort(-fused, kind="stable")[:depth]
        documents.append(found[order])
        scores.append(as_scores(fused[order]))
    return from_lists(queries, documents, scores, "+".join(run.name for run in runs))


def _fused(
    how: str,
    places: list[npt.NDArray[np.int64]],
    parts: list[tuple[npt.NDArray[np.int64], Scores]],
    weights: Weights,
    size: int,
) -> npt.NDArray[np.float64]:
    """Fused scores [size] of one query's distinct documents; ``places`` holds the places of each run's list in them."""
    fused = np.full(size, -np.inf) if how == "union" else np.zeros(size)
    for number, (place, (_, scores)) in enumerate(zip(places, parts, strict=True)):
        ranks = np.arange(1, len(place) + 1)
        if how == "union":
            # A whole step per rank, a fraction of it per run.
            fused[place] = np.maximum(fused[place], -(ranks - 1 + number / len(places)))
        elif how == "rrf":
            fused[place] += weights[number] / (RRF_K + ranks)
        elif len(place):
            normalised = (_standard if how == "zscore" else _unit)(scores.astype(np.float64))
            column = np.full(size, normalised.min() if how == "zscore" else 0.0)
            column[place] = normalised
            fused += weights[number] * column
    return fused


def _standard(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    deviation = scores.std()
    return (scores - scores.mean()) / deviation if deviation > 0 else np.zeros_like(scores)


def _unit(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.ones_like(scores)
