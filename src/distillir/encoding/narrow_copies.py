"""Stores of narrow vectors made of vectors that are on disk already, so that no text is encoded for them."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.processes import barrier, rank, world_size
from distillir.base.progress import progress
from distillir.encoding.narrow import Stored, StoredVectors, narrowed, widened
from distillir.encoding.store import Vectors, VectorStore, make_sparse

#: Vectors that are narrowed together.
_BLOCK = 16_384
_ERRORS = "errors.f32"


def narrow_known(
    store: VectorStore | None, folder: Path, plain: Path, rows: int, blocks: list[Rows], stored: Stored
) -> VectorStore | None:
    """Narrow those of some rows that another store has as float32.

    Args:
        store: The narrow store; None where there is none yet.
        folder: Its folder.
        plain: Folder of the float32 store, made or not.
        rows: Rows of the table.
        blocks: Rows that are wanted.
        stored: Form of the narrow store.

    Returns:
        The narrow store; None where there is none, and nothing to make it of.
    """
    if not VectorStore.exists(plain):
        return store
    known = VectorStore(plain, rows, stored="float32")
    for block in blocks:
        lacking = block if store is None else store.missing(block)
        there = np.setdiff1d(lacking, known.missing(lacking), assume_unique=True)
        if len(there):
            store = store or VectorStore(folder, rows, known.dim, stored)
            store.write(there, known.array[there])
    return store


class ScanCopy:
    """A narrow copy of all vectors of a store, which is read in their place; made where it is missing.

    It lies in the store's folder. All processes make their parts of it together, and a kill loses a block.

    Args:
        store: One that has a vector of every row.
        form: Of the copy.

    Attributes:
        vectors: The copy.
    """

    def __init__(self, store: VectorStore, form: Stored) -> None:
        self._folder, self._rows, count = store.folder / f"scan-{form}", store.rows, store.rows
        made = VectorStore(self._folder, count, store.dim, form)
        make_sparse(self._folder / _ERRORS, 8 * count)
        blocks = np.array_split(np.arange(count, dtype=np.int64), max(world_size(), -(-count // _BLOCK)))
        missing = [rows for rows in map(made.missing, blocks[rank() :: world_size()]) if len(rows)]
        if missing:
            with progress(f"Copy vectors as {form}", sum(map(len, missing))) as advance:
                for rows in missing:
                    vectors = np.asarray(store.vectors[rows])
                    errors = self._errors("r+")
                    errors[rows] = largest_errors(vectors, form)
                    errors.flush()
                    made.write(rows, vectors)
                    advance(len(rows))
        barrier()
        self.vectors: StoredVectors = made.vectors

    def error(self, *, cosine: bool) -> float:
        """The most by which the product of a query of length 1 with a copied vector is off from that with the vector.

        Args:
            cosine: Whether vectors are brought to length 1 first.
        """
        return float(self._errors("r")[:, int(cosine)].max()) if self._rows else 0.0

    def _errors(self, mode: Literal["r", "r+"]) -> "np.memmap[Any, np.dtype[np.float32]]":
        return np.memmap(self._folder / _ERRORS, dtype=np.float32, mode=mode, shape=(self._rows, 2))


def largest_errors(vectors: Vectors, form: Stored) -> Vectors:
    """Bounds [N, 2] on how far a product with a query of length 1 moves: by inner product, by cosine.

    By Cauchy and Schwarz it is the length of the difference between a vector and its narrow form; to that comes what
    two sums of D products in float32 may be off, 2 D 2^-24 times the vector's length (Higham 2002, section 3.1).
    """
    exact = vectors.astype(np.float64)
    moved = widened(*narrowed(vectors, form)).astype(np.float64)
    lengths, others = (np.maximum(np.linalg.norm(some, axis=1), 1e-12) for some in (exact, moved))
    rounding = (vectors.shape[1] + 8) * 2.0**-23
    by_product = np.linalg.norm(exact - moved, axis=1) + rounding * np.maximum(lengths, others)
    by_cosine = np.linalg.norm(exact / lengths[:, None] - moved / others[:, None], axis=1) + rounding
    # The next float32 above: a bound must not be rounded down.
    found: Vectors = np.nextafter(np.stack([by_product, by_cosine], axis=1).astype(np.float32), np.float32(np.inf))
    return found
