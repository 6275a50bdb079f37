"""The best of a scan that is not exact, scored anew by the vectors themselves."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Flags, Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.processes import world_size
from distillir.base.progress import progress, say
from distillir.encoding.narrow import StoredVectors
from distillir.encoding.narrow_copies import ScanCopy
from distillir.retrieval.exact import exact_search

Vectors = npt.NDArray[np.float32]
#: Bytes of vectors that are read for some queries together.
_MEMORY = 1 << 27


@dataclass(frozen=True)
class Rescored:
    """Documents that a scan has found, in the order of the vectors themselves.

    Attributes:
        rows: Documents [Q, K] int64, best first, ties by row ascending; -1 where the scan found fewer.
        scores: Their scores [Q, K] float32; -inf there.
    """

    rows: Rows
    scores: Scores


def rescore(queries: Vectors, documents: StoredVectors, found: Rows, depth: int, *, cosine: bool) -> Rescored:
    """Score what a scan has found by the documents' vectors, and keep the best.

    Rows are read in ascending order, for as many queries together as 128 MiB hold. A score depends on its query and
    its document alone.

    Args:
        queries: [Q, D] float32.
        documents: [N, D]; may be mapped.
        found: Document rows [Q, M] int64 in any order, -1 for none.
        depth: Documents kept a query.
        cosine: Bring vectors to length 1 first.
    """
    kept = min(depth, found.shape[1])
    rows, scores = np.empty((len(found), kept), dtype=np.int64), np.empty((len(found), kept), dtype=np.float32)
    size = max(1, _MEMORY // max(1, 4 * found.shape[1] * queries.shape[1]))
    with progress("rescoring", len(found)) as advance:
        for start in range(0, len(found), size):
            part = found[start : start + size]
            wanted, places = np.unique(part, return_inverse=True)
            vectors = np.asarray(documents[np.maximum(wanted, 0)], dtype=np.float32)
            asked = np.asarray(queries[start : start + size], dtype=np.float32)
            if cosine:
                vectors, asked = _unit(vectors), _unit(asked)
            places = places.reshape(part.shape)
            values = np.stack([(vectors[own] * query).sum(axis=1) for own, query in zip(places, asked, strict=True)])
            if not np.isfinite(values).all():
                raise DistillirError("a similarity is not finite", remedy="check the model")
            values[part < 0] = -np.inf
            order = np.lexsort((part, -values), axis=1)[:, :kept]
            rows[start : start + size] = np.take_along_axis(part, order, axis=1)
            scores[start : start + size] = np.take_along_axis(values, order, axis=1)
            advance(len(part))
    return Rescored(rows, scores)


def scan_and_rescore(
    queries: Vectors, documents: StoredVectors, copy: ScanCopy, depth: int, times: int, *, cosine: bool
) -> tuple[Rows, Scores]:
    """Search a narrow copy ``times`` as deep, and score what it finds by the vectors themselves.

    How many lists are certainly those of a search of the vectors is said where it is not all of them.

    Returns:
        Document rows [Q, K] and scores [Q, K], as `distillir.retrieval.exact.exact_search`.
    """
    found, scanned = exact_search(queries, copy.vectors, depth * times, cosine=cosine)
    best = rescore(queries, documents, found, depth, cosine=cosine)
    whole = found.shape[1] == len(documents)
    sure = (
        np.ones(len(found), bool)
        if whole
        else certain(queries, best, scanned[:, -1], copy.error(cosine=cosine), cosine)
    )
    if not sure.all():
        own = " that the first process searched for" if world_size() > 1 else ""
        say(
            f"{int(sure.sum())} of {len(sure)} lists{own} are certainly the exact ones (rescore: {times}); the others "
            "may lack a document that the narrow copy ranks lower; a higher rescore makes more of them certain"
        )
    return best.rows, best.scores


def certain(queries: Vectors, best: Rescored, last: Scores, error: float, cosine: bool) -> Flags:
    """Tell of each query [Q] whether no document that the scan left out can belong in its list.

    A document left out has a score of ``last`` at most by the scan, and of ``last + |q| error`` by its vector.

    Args:
        queries: [Q, D].
        best: What was found.
        last: The lowest score that the scan has given, a query [Q].
        error: See `ScanCopy.error`.
        cosine: Whether queries count as of length 1.
    """
    lengths = np.ones(len(queries)) if cosine else np.linalg.norm(queries.astype(np.float64), axis=1)
    if not best.rows.shape[1]:
        return np.ones(len(queries), dtype=bool)
    found: Flags = best.scores[:, -1] > last.astype(np.float64) + lengths * error
    return found


def _unit(vectors: Vectors) -> Vectors:
    """Vectors at length 1, as torch's ``normalize`` has them."""
    return np.asarray(
        vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12)), np.float32
    )
