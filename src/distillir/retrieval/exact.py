"""Exact nearest vectors, block by block: memory does not grow with the corpus."""

import numpy as np
import numpy.typing as npt
import torch

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.progress import progress
from distillir.encoding.device import pick_device

Vectors = npt.NDArray[np.float32]
_LOW_32 = 0xFFFFFFFF
_NO_DOCUMENT = torch.iinfo(torch.int64).min


def exact_search(
    query_vectors: Vectors,
    document_vectors: Vectors,
    depth: int,
    *,
    cosine: bool = False,
    document_block: int = 4096,
    query_block: int = 1024,
    device: str | None = None,
) -> tuple[Rows, Scores]:
    """The ``depth`` documents of largest inner product (or cosine) per query, ties by row ascending.

    At most ``query_block`` x ``document_block`` scores exist at a time. Score and row are packed into one 64-bit key
    (the float's bits in sortable order, then the row's complement), so that the order is total, and the same for any
    block size but for float rounding. It stands here in place of faiss' flat index, which leaves
    open which of several tied documents at the cut it returns, and is slower on a CPU (see docs/mine.md).

    Args:
        query_vectors: [Q, D] float32.
        document_vectors: [N, D] float32; may be memory-mapped.
        depth: Documents per query.
        cosine: Bring vectors to length 1 first.
        document_block: Documents scored at a time.
        query_block: Queries scored at a time.
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
    starts = range(0, len(query_vectors), query_block)
    with progress("searching", total=len(starts) * -(-count // document_block)) as advance:
        for start in starts:
            part = slice(start, start + query_block)
            queries = _load(query_vectors[part], cosine, place)
            best = torch.full((len(queries), kept), _NO_DOCUMENT, device=place)
            for first in range(0, count, document_block):
                block = _load(document_vectors[first : first + document_block], cosine, place)
                keys = _keys(queries @ block.T, start, first)
                keys = torch.topk(keys, min(kept, keys.shape[1]), dim=1, sorted=False).values
                best = torch.topk(torch.cat([best, keys], dim=1), kept, dim=1, sorted=False).values
                advance(1)
            rows[part], scores[part] = _unpack(best.sort(dim=1, descending=True).values)
    return rows, scores


def _load(vectors: Vectors, cosine: bool, device: torch.device) -> torch.Tensor:
    """Copy vectors to the device; a memory-mapped array is not writable, and torch shares writable memory alone."""
    loaded = torch.from_numpy(np.array(vectors, dtype=np.float32)).to(device)
    return torch.nn.functional.normalize(loaded, dim=1) if cosine else loaded


def _keys(scores: torch.Tensor, query: int, document: int) -> torch.Tensor:
    """Sortable keys [Q, B] int64 of a block of scores [Q, B] that begins at (query, document)."""
    if not torch.isfinite(scores).all():
        row, column = (int(x) for x in torch.nonzero(~torch.isfinite(scores))[0])
        raise DistillirError(
            f"the similarity of query row {query + row} and document row {document + column} is not finite",
            remedy="one of the two vectors holds a NaN or an infinity: check the model",
        )
    # Adding 0 makes -0.0 and 0.0 the same bits. The bits of negative floats sort backwards: flip all but the sign.
    bits = (scores + 0.0).view(torch.int32)
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()
    columns = torch.arange(document, document + scores.shape[1], device=scores.device)
    return (ordered << 32) | (_LOW_32 - columns)


def _unpack(keys: torch.Tensor) -> tuple[Rows, Scores]:
    rows = _LOW_32 - (keys & _LOW_32)
    ordered = (keys >> 32).int()
    scores = torch.where(ordered < 0, ordered ^ 0x7FFFFFFF, ordered).view(torch.float32)
    return rows.cpu().numpy(), scores.cpu().numpy()
