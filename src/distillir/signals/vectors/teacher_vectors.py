"""Vectors of a dense model for the texts of a table, encoded once and read by row from mapped files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from distillir.base.arrays import Rows
from distillir.collections.joined import JoinedTable
from distillir.collections.table import TextTable
from distillir.encoding.model_files import similarity_name
from distillir.encoding.store import Vectors
from distillir.encoding.vectors import encode_into_store
from distillir.signals.vectors.spec import VectorSpec

if TYPE_CHECKING:
    from distillir.students.kept_documents.index import KeptIndex


class Targets(Protocol):
    """Vectors that the student's are to follow."""

    @property
    def width(self) -> int:
        """Numbers of a vector."""

    def of(self, rows: Rows) -> Vectors:
        """Vectors [len(rows), width] of a table's rows; zeros for rows that the table has not."""


class TeacherVectors:
    """The vectors of some rows of a table.

    What the store of encoded texts lacks is encoded now, by all processes together; a kill loses a block at most.

    Args:
        spec: Whose vectors.
        table: Corpus or queries.
        rows: Those that are wanted, ascending, at least one.
        side: Which of the model's prompts and routes the texts take.

    Raises:
        DistillirError: The model cannot be loaded, gives a vector that is not finite, or has fewer numbers than wanted.
    """

    def __init__(self, spec: VectorSpec, table: TextTable, rows: Rows, side: Literal["query", "document"]) -> None:
        assert spec.model is not None
        self._parts: list[tuple[int, Vectors]] = []
        for start, part in _parts(table):
            own = rows[(rows >= start) & (rows < start + len(part))] - start
            if len(own):
                options: dict[str, Any] = {
                    "max_length": spec.max_length,
                    "precision": spec.precision,
                    "options": spec.options,
                }
                self._parts.append((start, encode_into_store(spec.model, part, own, kind=side, **options).array))
        whole = self._parts[0][1].shape[1]
        self.width = whole if spec.width is None else spec.width
        self._unit = similarity_name(spec.model) == "cosine"
        if self.width > whole:
            raise spec.too_wide(whole)

    def of(self, rows: Rows) -> Vectors:
        """See `Targets.of`; of length 1 where the model compares by cosine, as they are where by dot product."""
        found = np.zeros((len(rows), self.width), dtype=np.float32)
        for start, vectors in self._parts:
            here = (rows >= start) & (rows < start + len(vectors))
            found[here] = vectors[rows[here] - start, : self.width]
        return unit(found) if self._unit else found


class KeptVectors:
    """The document vectors that a student keeps, whoever made them.

    Args:
        index: Where they are.
        corpus: Whose.
        width: The first so many numbers of each; None: all.
    """

    def __init__(self, index: "KeptIndex", corpus: TextTable, width: int | None = None) -> None:
        self._vectors, self._unit = index.vectors(corpus), index.similarity == "cosine"
        self.width = self._vectors.shape[1] if width is None else width

    def of(self, rows: Rows) -> Vectors:
        """See `Targets.of`."""
        found = np.zeros((len(rows), self.width), dtype=np.float32)
        here = rows < len(self._vectors)
        found[here] = self._vectors[rows[here]][:, : self.width]
        return unit(found) if self._unit else found


class MadeVectors:
    """Made-up vectors of a width, the same for a row whenever it is asked for, to time a step with."""

    def __init__(self, width: int) -> None:
        self.width = width

    def of(self, rows: Rows) -> Vectors:
        """See `Targets.of`."""
        return np.sin(np.outer(rows + 1.0, 1.0 + np.arange(self.width) ** 1.5)).astype(np.float32)


def unit(vectors: Vectors) -> Vectors:
    """Vectors [T, D] at length 1; those of length 0 stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), dtype=np.float32)


def _parts(table: TextTable, start: int = 0) -> Iterator[tuple[int, TextTable]]:
    """A table's parts and their first rows: each has a store of its own, so that what is encoded stays so."""
    if isinstance(table, JoinedTable):
        yield from _parts(table.first, start)
        yield from _parts(table.second, start + len(table.first))
    else:
        yield start, table
