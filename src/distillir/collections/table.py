"""A memory-mapped table of texts, found by row or by id."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distillir.base.arrays import Rows
from distillir.collections.table_form import ROWS_PER_BATCH, id_hash


class TextTable:
    """Texts on disk, opened in place: nothing but the pages that are touched enters memory.

    Ids are found through two memory-mapped arrays (sorted 64-bit hashes and their rows), not a Python dict.

    Args:
        path: Folder made by `distillir.collections.table_writer.TableWriter`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._table = pa.ipc.open_file(pa.memory_map(str(path / "texts.arrow"))).read_all()
        self._hashes: npt.NDArray[np.uint64] = np.load(path / "id_hashes.npy", mmap_mode="r")
        self._hash_rows: Rows = np.load(path / "id_rows.npy", mmap_mode="r")
        self._columns = {name: self._table.column(name).chunks for name in ("id", "title", "text")}
        self.fingerprint: str = (path / "fingerprint").read_text().strip()

    def __reduce__(self) -> tuple[type["TextTable"], tuple[Path]]:
        # Pickled (worker processes) as its path: Arrow would copy every text.
        return (TextTable, (self.path,))

    @cached_property
    def is_ascii(self) -> bool:
        """True where no text or title holds a character outside ASCII; bytes are read once, at memory speed."""
        for chunk in (*self._columns["title"], *self._columns["text"]):
            data = chunk.buffers()[-1]
            letters = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8)
            if letters.size and letters.max() > 127:
                return False
        return True

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def _cell(self, column: str, row: int) -> str:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of a table of {len(self)}")
        value: str = self._columns[column][row // ROWS_PER_BATCH][row % ROWS_PER_BATCH].as_py()
        return value

    def _cells(self, column: str, rows: Iterable[int] | None) -> list[str]:
        """Cells of a column; a range is read as slices, which is ten times as fast as row by row."""
        if rows is None:
            rows = range(len(self))
        if isinstance(rows, range) and rows.step == 1 and 0 <= rows.start <= rows.stop <= len(self):
            values: list[str] = self._table.column(column).slice(rows.start, len(rows)).to_pylist()
            return values
        return [self._cell(column, int(row)) for row in rows]

    def id(self, row: int) -> str:
        """The id of a row."""
        return self._cell("id", int(row))

    def title(self, row: int) -> str:
        """The title of a row, empty where there is none."""
        return self._cell("title", int(row))

    def body(self, row: int) -> str:
        """The text of a row without its title."""
        return self._cell("text", int(row))

    def text(self, row: int) -> str:
        """Title and text of a row joined by a space, as models and BM25 see it (BEIR's convention)."""
        return f"{self.title(row)} {self.body(row)}".strip()

    def ids(self, rows: Iterable[int] | None = None) -> list[str]:
        """Ids of the given rows (default: all, in order)."""
        return self._cells("id", rows)

    def id_column(self, rows: Rows) -> pa.StringArray:
        """Ids of the given rows [N] as an Arrow column, which costs no Python string a row.

        Raises:
            IndexError: A row is none of the table.
        """
        if not len(rows):
            return pa.array([], type=pa.string())
        order = np.argsort(rows, kind="stable")
        ordered = np.asarray(rows)[order]
        if not 0 <= ordered[0] <= ordered[-1] < len(self):
            raise IndexError(f"rows {ordered[0]} to {ordered[-1]} of a table of {len(self)}")
        batches, starts = np.unique(ordered // ROWS_PER_BATCH, return_index=True)
        parts = [
            self._columns["id"][batch].take(pa.array(ordered[start:end] - batch * ROWS_PER_BATCH))
            for batch, start, end in zip(batches.tolist(), starts, [*starts[1:], len(ordered)], strict=True)
        ]
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return pa.concat_arrays(parts).take(pa.array(places))

    def titles(self, rows: Iterable[int] | None = None) -> list[str]:
        """Titles of the given rows (default: all, in order)."""
        return self._cells("title", rows)

    def bodies(self, rows: Iterable[int] | None = None) -> list[str]:
        """Texts without titles of the given rows (default: all, in order)."""
        return self._cells("text", rows)

    def texts(self, rows: Iterable[int] | None = None) -> list[str]:
        """Texts of the given rows (default: all, in order); see `text`."""
        if rows is not None and not isinstance(rows, range):
            rows = list(rows)
        titles, bodies = self._cells("title", rows), self._cells("text", rows)
        return [f"{title} {body}".strip() for title, body in zip(titles, bodies, strict=True)]

    def iterate(self, batch: int = ROWS_PER_BATCH) -> Iterator[list[str]]:
        """Yield all texts in order, ``batch`` at a time, so that they never stand in memory together."""
        for start in range(0, len(self), batch):
            yield self.texts(range(start, min(start + batch, len(self))))

    def row(self, identifier: str) -> int:
        """The row of an id, -1 where it is unknown."""
        value = np.uint64(id_hash(identifier))
        place = int(np.searchsorted(self._hashes, value))
        while place < len(self._hashes) and self._hashes[place] == value:
            row = int(self._hash_rows[place])
            if self.id(row) == identifier:
                return row
            place += 1
        return -1

    def rows(self, identifiers: Sequence[str]) -> Rows:
        """Rows [len(identifiers)] of ids, -1 where unknown."""
        result = np.full(len(identifiers), -1, dtype=np.int64)
        if not len(self) or not len(identifiers):
            return result
        wanted = np.fromiter((id_hash(i) for i in identifiers), dtype=np.uint64, count=len(identifiers))
        # Ascending order walks the mapped hashes once from front to back instead of at random.
        order = np.argsort(wanted)
        places = np.empty(len(wanted), dtype=np.int64)
        places[order] = np.searchsorted(self._hashes, wanted[order])
        places = np.minimum(places, len(self) - 1)
        found = np.flatnonzero(self._hashes[places] == wanted)
        result[found] = self._hash_rows[places[found]]
        own = self.id_column(result[found]).to_pylist()
        for position, identifier in zip(found.tolist(), own, strict=True):
            # A different id under the same hash is a collision: walk its neighbours.
            if identifiers[position] != identifier:
                result[position] = self.row(identifiers[position])
        return result
