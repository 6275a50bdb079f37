"""Approximate nearest vectors by any faiss index, for corpora too large for exact search."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file, cache_root
from distillir.base.progress import progress, say
from distillir.encoding.narrow import StoredVectors
from distillir.retrieval.faiss_strings import (
    FACTORY,
    SEARCH,
    check_factory,
    check_search,
    default_search,
    few_points,
    overheard,
    reason,
    refused,
)

Vectors = npt.NDArray[np.float32]
_BLOCK = 65_536
# Training vectors per cell of an inverted file; faiss itself samples down to 256 and warns below 39.
_SAMPLES_PER_CELL = 64
_SAMPLE = 131_072


def faiss_search(
    query_vectors: Vectors,
    document_vectors: StoredVectors,
    depth: int,
    *,
    factory: str,
    cosine: bool = False,
    search: str | None = None,
    cache: Path | None = None,
) -> tuple[Rows, Scores]:
    """Search by inner product (or cosine) through a faiss index made of a factory string.

    The index is trained on an evenly spaced sample, filled in blocks, and kept under the content hash of the vectors
    and the factory string, so that a second search opens it. The lists of an inverted file stay on disk, mapped; other
    indices are read into memory.

    Args:
        query_vectors: [Q, D] float32.
        document_vectors: [N, D] float32 or narrow; may be memory-mapped.
        depth: Documents per query.
        factory: As in faiss.index_factory, for example ``IVF1024,Flat``, ``IVF4096,PQ48x8`` or ``HNSW32``.
        cosine: Bring vectors to length 1 first.
        search: faiss search parameters, for example ``nprobe=64`` or ``efSearch=256`` (default: a quarter of the
            cells of an inverted file, at least 8; efSearch of twice the depth, at least 64).
        cache: Folder that holds indices (default: ``faiss`` of the cache).

    Returns:
        Document rows [Q, depth] int64, -1 where the index found fewer, and scores [Q, depth] float32, best first.

    Raises:
        DistillirError: faiss cannot make or search the index, or a vector is not finite.
    """
    import faiss

    folder = cache or cache_root() / "faiss"
    file = folder / f"{_fingerprint(document_vectors, factory, cosine)}.faiss"
    if not file.exists():
        index = _build(document_vectors, factory, cosine)
        with atomic_file(file) as temporary:
            faiss.write_index(index, str(temporary))
    index = _opened(file)
    wanted = min(depth, len(document_vectors))
    if search:
        check_search(search)
    parameters = re.sub(r"\s", "", search) if search else default_search(index, depth)
    space: Any = faiss.ParameterSpace()
    try:
        space.set_index_parameters(index, parameters)
        scores, rows = index.search(_load(query_vectors, cosine), wanted)
    except RuntimeError as error:
        raise DistillirError(
            f"faiss cannot search {factory} with {parameters!r} ({reason(error)})",
            where=SEARCH,
            remedy="write nprobe=64 for IVF or efSearch=256 for HNSW, or leave search out",
        ) from None
    if not np.isfinite(scores[rows >= 0]).all():
        raise DistillirError("a similarity is not finite", where=FACTORY, remedy="check the model")
    short = int(((rows >= 0).sum(1) < wanted).sum())
    if short:
        say(
            f"faiss {factory} with {parameters or 'no parameters'} found fewer than {wanted} documents for {short} of "
            f"{len(rows)} queries; search: a higher nprobe or efSearch finds more, Flat finds all"
        )
    return rows, scores


def _opened(file: Path) -> Any:
    """An index whose inverted lists, where it has any, stay on disk: processes that search it share their pages."""
    import faiss

    try:
        return faiss.read_index(str(file), faiss.IO_FLAG_MMAP)
    except RuntimeError as error:
        raise DistillirError(f"cannot be read ({reason(error)})", where=file, remedy="delete it") from None


def _load(vectors: Vectors, cosine: bool) -> Vectors:
    import faiss

    loaded = np.array(vectors, dtype=np.float32, order="C")
    if not np.isfinite(loaded).all():
        raise DistillirError(
            "a vector holds a NaN or an infinity", where=FACTORY, remedy="check the model that encodes the texts"
        )
    if cosine:
        faiss.normalize_L2(loaded)
    return loaded


def _build(vectors: StoredVectors, factory: str, cosine: bool) -> Any:
    import faiss

    check_factory(factory)
    documents = f" of {len(vectors)} documents of {vectors.shape[1]} dimensions"
    try:
        index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
        inverted = faiss.try_extract_index_ivf(index)
        if inverted is not None and not 0 < inverted.nlist <= len(vectors):
            raise DistillirError(
                f"{factory} has {inverted.nlist} cells for {len(vectors)} documents",
                where=FACTORY,
                remedy="use fewer cells, or Flat: it is fast enough here" if inverted.nlist else "give it some",
            )
        if not index.is_trained:
            size = max(_SAMPLE, _SAMPLES_PER_CELL * inverted.nlist if inverted is not None else 0)
            step = max(1, len(vectors) // size)
            sample = _load(vectors[::step][:size], cosine)
            with overheard() as lines:
                index.train(sample)
            if few := few_points(lines):
                say(f"faiss {factory}{documents}: {few}; it may find less than it could. Flat is exact.")
        with progress(f"faiss {factory}", total=len(vectors)) as advance:
            for start in range(0, len(vectors), _BLOCK):
                index.add(_load(vectors[start : start + _BLOCK], cosine))
                advance(min(_BLOCK, len(vectors) - start))
    except RuntimeError as error:
        raise refused(factory, error, documents=documents) from None
    return index


def _fingerprint(vectors: StoredVectors, factory: str, cosine: bool) -> str:
    digest = xxhash.xxh3_128(f"{factory} {cosine} {vectors.shape}".encode())
    for start in range(0, len(vectors), _BLOCK):
        digest.update(np.ascontiguousarray(vectors[start : start + _BLOCK], dtype=np.float32).tobytes())
    return digest.hexdigest()
