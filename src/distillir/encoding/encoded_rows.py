"""Encodings of a table's rows that vary in length, read by row from the mapped files of their segments."""

from abc import ABC, abstractmethod
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.encoding.segments import Segments, load_array

#: Segments that are mapped at once: each holds files open, and a large corpus has more than a process may open.
OPEN_SEGMENTS = 128

#: What a row's encoding is.
Encoded = TypeVar("Encoded")


class EncodedRows(ABC, Generic[Encoded]):
    """Encodings of rows of a table; memory holds what is asked for.

    Args:
        segments: Where they were written.

    Attributes:
        rows: Rows of the table.
    """

    def __init__(self, segments: Segments) -> None:
        self._segments, self.rows = segments, segments.rows
        self._mapped = lru_cache(maxsize=OPEN_SEGMENTS)(self._open)

    @abstractmethod
    def _open(self, number: int) -> Any:
        """Map a segment, by its number."""

    @abstractmethod
    def _row(self, mapped: Any, place: int) -> Encoded:
        """The encoding at a place of what `_open` gave."""

    def of(self, rows: Rows) -> list[Encoded]:
        """Encodings of some rows, in the order given."""
        segments, places = self._segments.segment[rows].tolist(), self._segments.place[rows].tolist()
        return [self._row(self._mapped(segment), place) for segment, place in zip(segments, places, strict=True)]

    def lengths_of(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Lengths of some rows [len(rows)], in the order given."""
        return self.lengths[rows]

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Length of each row [rows]; 0 of those that are not encoded."""
        found = np.zeros(self.rows, dtype=np.int64)
        for number, path in enumerate(self._segments.paths):
            # A row may be in several segments, where programs encoded it at once: the last one counts.
            own = np.flatnonzero(self._segments.segment == number)
            found[own] = np.diff(load_array(path / "ends.npy"), prepend=0)[self._segments.place[own]]
        return found

    @property
    def count(self) -> int:
        """Sum of the lengths of all rows."""
        return int(self.lengths.sum())


class JoinedRows(EncodedRows[Encoded]):
    """Encodings of a joined table, each part from a store of its own; the first base of such a class.

    Args:
        first: Of the rows of the first part.
        second: Of those behind them.
    """

    def __init__(self, first: EncodedRows[Encoded], second: EncodedRows[Encoded]) -> None:
        self.first, self.second, self.rows = first, second, first.rows + second.rows

    def of(self, rows: Rows) -> list[Encoded]:
        """Encodings of some rows, in the order given."""
        late = rows >= self.first.rows
        early, further = iter(self.first.of(rows[~late])), iter(self.second.of(rows[late] - self.first.rows))
        return [next(further if behind else early) for behind in late.tolist()]

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Length of each row [rows]."""
        return np.concatenate([self.first.lengths, self.second.lengths])
