"""Exact nearest vectors, block by block: memory does not grow with the corpus."""

import numpy as np
import numpy.typing as npt
import torch

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.progress import progress
from distillir.encoding.device import pick_device
from distillir.encoding.narrow import NarrowVectors, StoredVectors
from distillir.retrieval.retriever import QUERY_BLOCK

Vectors = npt.NDArray[np.float32]
#: Bytes that queries and their best documents may take together; more queries read the documents once more.
MEMORY = 1 << 30
_LOW_32 = 0xFFFFFFFF
_NO_DOCUMENT = torch.iinfo(torch.int64).min


def exact_search(
    query_vectors: Vectors,
    document_vectors: StoredVectors,
    depth: int,
    *,
    cosine: bool = False,
    document_block: int = 4096,
    query_block: int = QUERY_BLOCK,
    memory: int = MEMORY,
    device: str | None = None,
) -> tuple[Rows, Scores]:
    """The ``depth`` documents of largest inner product (or cosine) per query, ties by row ascending.

    Each block of documents is read once for as many queries as ``memory`` holds, and at most ``query_block`` x
    ``document_block`` scores exist at a time. Score and row are packed into one 64-bit key (the float's bits in
    sortable order, then the row's complement), so that the order is total, and the same for any block size but for
    float rounding. It stands here in place of faiss' flat index, which leaves open which of several tied documents at
    the cut it returns, and is slower on a CPU (see docs/mine.md).

    Args:
        query_vectors: [Q, D] float32.
        document_vectors: [N, D] float32 or of fewer bits, which are widened a block at a time; may be memory-mapped.
        depth: Documents per query.
        cosine: Bring vectors to length 1 first.
        document_block: Documents scored at a time.
        query_block: Queries scored at a time.
        memory: Bytes of query vectors and of their best documents that are held, 4 x D + 8 x K a query; at least one
            block of queries.
        device: A torch device (default: this process' GPU, or the CPU where there is none).

    Returns:
        Document rows [Q, K] int64 and scores [Q, K] float32 with K = min(depth, N), best first.

    Raises:
        DistillirError: A score is not finite; the message gives the rows.
    """
    chosen = device or pick_device()
    # 64-bit keys are not tried on Apple's GPUs.
    place = torch.device("cpu" if chosen == "mps" else chosen)
    count, kept = len(document_vectors), min(depth, len(document_vectors))
    rows = np.empty((len(query_vectors), kept), dtype=np.int64)
    scores = np.empty((len(query_vectors), kept), dtype=np.float32)
    held = max(1, memory // max(1, query_block * (4 * query_vectors.shape[1] + 8 * kept)))
    starts = range(0, len(query_vectors), query_block)
    with progress("searching", total=len(starts) * -(-count // document_block)) as advance:
        for group in range(0, len(starts), held):
            parts = [slice(start, start + query_block) for start in starts[group : group + held]]
            queries = [_load(query_vectors[part], cosine, place) for part in parts]
            best = [torch.full((len(some), kept), _NO_DOCUMENT, device=place) for some in queries]
            for first in range(0, count, document_block):
                block = _block(document_vectors, first, first + document_block, cosine, place)
                for number, (part, some) in enumerate(zip(parts, queries, strict=True)):
                    best[number] = _better(best[number], some @ block.T, part.start, first)
                    advance(1)
            for part, keys in zip(parts, best, strict=True):
                rows[part], scores[part] = _unpack(keys.sort(dim=1, descending=True).values)
    return rows, scores


def _load(vectors: Vectors, cosine: bool, device: torch.device) -> torch.Tensor:
    """Copy vectors to the device; a memory-mapped array is not writable, and torch shares writable memory alone."""
    loaded = torch.from_numpy(np.array(vectors, dtype=np.float32)).to(device)
    return torch.nn.functional.normalize(loaded, dim=1) if cosine else loaded


def _block(vectors: StoredVectors, start: int, stop: int, cosine: bool, device: torch.device) -> torch.Tensor:
    """Neighbouring vectors on the device, as `_load` has them."""
    if not isinstance(vectors, NarrowVectors):
        return _load(vectors[start:stop], cosine, device)
    loaded = vectors.tensor(start, stop, device)
    return torch.nn.functional.normalize(loaded, dim=1) if cosine else loaded


def _better(best: torch.Tensor, scores: torch.Tensor, query: int, document: int) -> torch.Tensor:
    """The best keys [B, K] of those known and of a block of scores [B, N] that begins at (query, document).

    Once a query has K documents, few of a block come among them: keys are made of those alone. A later document never
    takes the place of an earlier one of the same score.
    """
    kept = best.shape[1]
    if not kept or not len(best):
        return best
    _check_finite(scores, query, document)
    worst = best.min(dim=1).values
    if document < kept:  # not full yet
        return _merged(best, _keys(scores, document))
    better = scores > _scores(worst)[:, None]
    found = better.sum(dim=1)
    most = int(found.max())
    if most > kept:
        return _merged(best, _keys(scores, document))
    if not most:
        return best
    places, columns = better.nonzero(as_tuple=True)
    # In its query's row, each one stands behind those found before it.
    order = torch.arange(len(places), device=best.device) - (found.cumsum(0) - found)[places]
    keys = torch.full((len(best), most), _NO_DOCUMENT, device=best.device)
    keys[places, order] = _packed(scores[places, columns], columns + document)
    return _merged(best, keys)


def _merged(best: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    kept = best.shape[1]
    if keys.shape[1] > kept:
        keys = torch.topk(keys, kept, dim=1, sorted=False).values
    return torch.topk(torch.cat([best, keys], dim=1), kept, dim=1, sorted=False).values


def _check_finite(scores: torch.Tensor, query: int, document: int) -> None:
    # A sum is quick, and finite only where all are; it may overflow where all are finite.
    if not torch.isfinite(scores.sum()) and not torch.isfinite(scores).all():
        row, column = (int(x) for x in torch.nonzero(~torch.isfinite(scores))[0])
        raise DistillirError(
            f"the similarity of query row {query + row} and document row {document + column} is not finite",
            remedy="one of the two vectors holds a NaN or an infinity: check the model",
        )


def _keys(scores: torch.Tensor, document: int) -> torch.Tensor:
    """Sortable keys [B, N] int64 of a block of scores [B, N] whose documents begin at ``document``."""
    return _packed(scores, torch.arange(document, document + scores.shape[1], device=scores.device))


def _packed(scores: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    # Adding 0 makes -0.0 and 0.0 the same bits. The bits of negative floats sort backwards: flip all but the sign.
    bits = (scores + 0.0).view(torch.int32)
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()
    return (ordered << 32) | (_LOW_32 - rows)


def _scores(keys: torch.Tensor) -> torch.Tensor:
    ordered = (keys >> 32).int()
    return torch.where(ordered < 0, ordered ^ 0x7FFFFFFF, ordered).view(torch.float32)


def _unpack(keys: torch.Tensor) -> tuple[Rows, Scores]:
    rows = _LOW_32 - (keys & _LOW_32)
    return rows.cpu().numpy(), _scores(keys).cpu().numpy()
