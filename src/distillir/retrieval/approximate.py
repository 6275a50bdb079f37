"""Approximate nearest vectors by any faiss index, for corpora too large for exact search."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.collections.table import Rows
from distillir.errors import DistillirError
from distillir.files import atomic_file, cache_root
from distillir.progress import progress
from distillir.retrieval.run import Scores

Vectors = npt.NDArray[np.float32]
_BLOCK = 65_536
# Training vectors per cell of an inverted file; faiss itself samples down to 256 and warns below 39.
_SAMPLES_PER_CELL = 64
_SAMPLE = 131_072


def faiss_search(
    query_vectors: Vectors,
    document_vectors: Vectors,
    depth: int,
    *,
    factory: str,
    cosine: bool = False,
    search: str | None = None,
    cache: Path | None = None,
) -> tuple[Rows, Scores]:
    """Search by inner product (or cosine) through a faiss index made of a factory string.

    The index is trained on an evenly spaced sample, filled in blocks, and kept under the content hash of the vectors
    and the factory string, so that a second search opens it.

    Args:
        query_vectors: [Q, D] float32.
        document_vectors: [N, D] float32; may be memory-mapped.
        depth: Documents per query.
        factory: As in faiss.index_factory, for example ``IVF1024,Flat``, ``IVF4096,PQ48x8`` or ``HNSW32``.
        cosine: Bring vectors to length 1 first.
        search: faiss search parameters, for example ``nprobe=64`` or ``efSearch=256`` (default: a quarter of the
            cells of an inverted file, at least 8; efSearch of twice the depth, at least 64).
        cache: Folder that holds indices (default: ``faiss`` of the cache).

    Returns:
        Document rows [Q, depth] int64, -1 where the index found fewer, and scores [Q, depth] float32, best first.

    Raises:
        DistillirError: faiss refuses the factory string or the search parameters.
    """
    import faiss

    folder = cache or cache_root() / "faiss"
    file = folder / f"{_fingerprint(document_vectors, factory, cosine)}.faiss"
    if not file.exists():
        index = _build(document_vectors, factory, cosine)
        with atomic_file(file) as temporary:
            faiss.write_index(index, str(temporary))
    index = faiss.read_index(str(file))
    space: Any = faiss.ParameterSpace()
    try:
        space.set_index_parameters(index, search or _default_search(index, depth))
    except RuntimeError as error:
        raise DistillirError(
            f"faiss refuses the search parameters {search!r} for {factory} ({_reason(error)})",
            remedy="write them as nprobe=64 or efSearch=256",
        ) from None
    scores, rows = index.search(_load(query_vectors, cosine), depth)
    return rows, scores


def _load(vectors: Vectors, cosine: bool) -> Vectors:
    import faiss

    loaded = np.array(vectors, dtype=np.float32, order="C")
    if cosine:
        faiss.normalize_L2(loaded)
    return loaded


def _build(vectors: Vectors, factory: str, cosine: bool) -> Any:
    import faiss

    try:
        index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise DistillirError(
            f"faiss knows no index {factory!r} ({_reason(error)})",
            remedy="use Flat, or a string of the faiss index factory such as IVF1024,Flat",
        ) from None
    inverted = faiss.try_extract_index_ivf(index)
    if inverted is not None and inverted.nlist > len(vectors):
        raise DistillirError(
            f"{factory} has {inverted.nlist} cells for {len(vectors)} documents",
            remedy="use fewer cells, or Flat: it is fast enough here",
        )
    if not index.is_trained:
        size = max(_SAMPLE, _SAMPLES_PER_CELL * inverted.nlist if inverted is not None else 0)
        step = max(1, len(vectors) // size)
        index.train(_load(vectors[::step][:size], cosine))
    with progress(f"faiss {factory}", total=len(vectors)) as advance:
        for start in range(0, len(vectors), _BLOCK):
            index.add(_load(vectors[start : start + _BLOCK], cosine))
            advance(min(_BLOCK, len(vectors) - start))
    return index


def _default_search(index: Any, depth: int) -> str:
    import faiss

    inverted = faiss.try_extract_index_ivf(index)
    if inverted is not None:
        return f"nprobe={min(inverted.nlist, max(8, inverted.nlist // 4))}"
    return f"efSearch={max(64, 2 * depth)}" if hasattr(faiss.downcast_index(index), "hnsw") else ""


def _fingerprint(vectors: Vectors, factory: str, cosine: bool) -> str:
    digest = xxhash.xxh3_128(f"{factory} {cosine} {vectors.shape}".encode())
    for start in range(0, len(vectors), _BLOCK):
        digest.update(np.ascontiguousarray(vectors[start : start + _BLOCK], dtype=np.float32).tobytes())
    return digest.hexdigest()


def _reason(error: RuntimeError) -> str:
    """What faiss says, without its source position."""
    return str(error).rsplit(": ", 1)[-1].split(os.linesep)[0]
