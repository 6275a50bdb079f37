"""An index over token vectors, for late interaction on large corpora (LanceDB)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory
from distillir.base.processes import barrier, rank
from distillir.base.progress import progress, say
from distillir.encoding.store import Vectors
from distillir.encoding.token_vectors import TokenVectors
from distillir.retrieval.faiss_strings import overheard, reason

_TABLE = "documents"
#: An index is trained from so many token vectors on; fewer are compared one by one.
TRAINED_FROM = 10_000
_TOKENS_PER_PARTITION = 4096


class LateIndex:
    """Candidates for MaxSim from an inverted file of quantised token vectors (IVF-PQ), built once, kept on disk.

    LanceDB is embedded, knows MaxSim by itself, asks nothing of the torch in use (fast-plaid's builds each want one
    exact version), and the same table is served by a cluster.

    Args:
        documents: Token vectors of a corpus, of length 1 each.
        folder: Where the index is, or will be.

    Raises:
        DistillirError: LanceDB is not installed, or the vectors are not of length 1.
    """

    def __init__(self, documents: TokenVectors, folder: Path) -> None:
        try:
            import lancedb
        except ImportError:
            raise DistillirError(
                "the late-interaction index needs LanceDB",
                where="first: index",
                remedy="pip install 'distillir[late-interaction]', or use first: bm25",
            ) from None
        if rank() == 0 and not folder.is_dir():
            with atomic_directory(folder) as made:
                _build(documents, made)
        barrier()
        self._table = lancedb.connect(str(folder)).open_table(_TABLE)

    def search(self, query: Vectors, depth: int, probes: int) -> Rows:
        """Document rows of at most ``depth`` candidates for a query's token vectors [L, D], best first.

        Args:
            query: Token vectors of length 1.
            depth: How many candidates.
            probes: Partitions that are looked into for each token vector.

        Raises:
            DistillirError: A vector of the query is not finite.
        """
        if not len(query) or not self._table.count_rows():
            return np.empty(0, dtype=np.int64)
        if not np.isfinite(query).all():
            raise DistillirError(
                "a token vector of a query is not finite", where="first: index", remedy="check the model"
            )
        asked: Any = self._table.search(np.asarray(query))
        found = asked.distance_type("cosine").nprobes(probes).limit(depth).select(["row", "_distance"]).to_arrow()
        return np.asarray(found["row"].to_numpy(), dtype=np.int64)


def _build(documents: TokenVectors, folder: Path) -> None:
    import lancedb
    import pyarrow as pa

    width = documents.of(np.zeros(1, dtype=np.int64))[0].shape[1]
    schema = pa.schema([pa.field("row", pa.int64()), pa.field("vectors", pa.list_(pa.list_(pa.float32(), width)))])
    count = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal count
        with progress("Index", documents.rows) as advance:
            for start, block in documents:
                flat = np.concatenate(block)
                lengths = np.linalg.norm(flat, axis=1)
                if not (np.abs(lengths - 1) <= 0.05).all():
                    raise DistillirError(
                        f"has token vectors of length {lengths[np.abs(lengths - 1).argmax()]:.2f}, and the index "
                        "compares by cosine",
                        where="first: index",
                        remedy="use first: bm25, or a model that normalises its vectors",
                    )
                count += len(flat)
                ends = np.cumsum([0, *(len(vectors) for vectors in block)]).astype(np.int32)
                lists = pa.ListArray.from_arrays(ends, pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), width))
                yield pa.RecordBatch.from_arrays([pa.array(np.arange(start, start + len(block))), lists], schema=schema)
                advance(len(block))

    table = lancedb.connect(str(folder)).create_table(_TABLE, data=batches(), schema=schema)
    if count >= TRAINED_FROM:
        from lancedb.index import IvfPq

        say(f"Index: training on {count} token vectors")
        partitions = max(1, count // _TOKENS_PER_PARTITION)
        config = IvfPq(distance_type="cosine", num_partitions=partitions, num_sub_vectors=sub_vectors(width))
        try:
            with overheard():
                table.create_index("vectors", config=config)
        except (RuntimeError, ValueError, OSError) as error:
            raise DistillirError(
                f"LanceDB cannot make an index of {count} token vectors of {width} dimensions ({reason(error)})",
                where="first: index",
                remedy="use first: bm25",
            ) from None


def sub_vectors(width: int) -> int:
    """Number of codes that stand for a vector: 4 numbers a code, or the next more that divide its width.

    The loss is made good by comparing the candidates exactly.
    """
    return next(parts for parts in range(max(1, width // 4), 0, -1) if width % parts == 0)
