"""A collection with further documents behind its own, without copying a text."""

import copy
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from distillir.base.arrays import Rows
from distillir.collections.collection import Collection
from distillir.collections.table import TextTable


class JoinedTable(TextTable):
    """Two tables as one: the rows of the first, then those of the second.

    Args:
        first: Keeps its rows.
        second: Its row ``r`` is row ``len(first) + r`` here.
    """

    def __init__(self, first: TextTable, second: TextTable) -> None:
        self.first, self.second = first, second
        self.path: Path = second.path
        joined = f"{first.fingerprint} + {second.fingerprint}"
        self.fingerprint = xxhash.xxh3_64_hexdigest(joined.encode())

    def __reduce__(self) -> tuple[type["JoinedTable"], tuple[TextTable, TextTable]]:  # type: ignore[override]
        return (JoinedTable, (self.first, self.second))

    @property
    def is_ascii(self) -> bool:
        """Tell whether both tables hold ASCII alone."""
        return self.first.is_ascii and self.second.is_ascii

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def _cell(self, column: str, row: int) -> str:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of a table of {len(self)}")
        if row < len(self.first):
            return self.first._cell(column, row)
        return self.second._cell(column, row - len(self.first))

    def _cells(self, column: str, rows: Iterable[int] | None) -> list[str]:
        if rows is None:
            return [*self.first._cells(column, None), *self.second._cells(column, None)]
        edge = len(self.first)
        if isinstance(rows, range) and rows.step == 1 and 0 <= rows.start <= rows.stop <= len(self):
            early = range(min(rows.start, edge), min(rows.stop, edge))
            late = range(max(rows.start - edge, 0), max(rows.stop - edge, 0))
            return [*self.first._cells(column, early), *self.second._cells(column, late)]
        return [self._cell(column, int(row)) for row in rows]

    def id_column(self, rows: Rows) -> pa.StringArray:
        """Ids of the given rows [N]; see `TextTable.id_column`."""
        late = np.asarray(rows) >= len(self.first)
        order = np.concatenate([np.flatnonzero(~late), np.flatnonzero(late)])
        parts = [self.first.id_column(rows[~late]), self.second.id_column(rows[late] - len(self.first))]
        return pa.concat_arrays(parts).take(pa.array(np.argsort(order)))

    def row(self, identifier: str) -> int:
        """The row of an id, -1 where it is unknown."""
        found = self.first.row(identifier)
        if found >= 0:
            return found
        found = self.second.row(identifier)
        return found + len(self.first) if found >= 0 else -1

    def rows(self, identifiers: Sequence[str]) -> Rows:
        """Rows [len(identifiers)] of ids, -1 where unknown."""
        found, other = self.first.rows(identifiers), self.second.rows(identifiers)
        found[(found < 0) & (other >= 0)] = other[(found < 0) & (other >= 0)] + len(self.first)
        return found


def with_documents(collection: Collection, documents: TextTable) -> Collection:
    """The same collection with further documents behind its own; queries and judgements are the same."""
    wider = copy.copy(collection)
    wider.corpus = JoinedTable(collection.corpus, documents)
    return wider


def without_documents(collection: Collection) -> tuple[Collection, TextTable | None]:
    """Undo `with_documents`: the collection before it, and the table of further documents (None: there is none)."""
    joined = collection.corpus
    if not isinstance(joined, JoinedTable):
        return collection, None
    own = copy.copy(collection)
    own.corpus = joined.first
    return own, joined.second
