"""A memory-mapped table of texts, found by row or by id."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from distillir.errors import DistillirError

Rows = npt.NDArray[np.int64]
ROWS_PER_BATCH = 16_384
SCHEMA = pa.schema([("id", pa.string()), ("title", pa.string()), ("text", pa.string())])


def _hash(value: str) -> int:
    return xxhash.xxh3_64_intdigest(value.encode("utf-8", "surrogatepass"))


class TextTable:
    """Texts on disk, opened in place: nothing but the pages that are touched enters memory.

    Ids are found through two memory-mapped arrays (sorted 64-bit hashes and their rows), not a Python dict.

    Args:
        path: Folder made by `write_table`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._table = pa.ipc.open_file(pa.memory_map(str(path / "texts.arrow"))).read_all()
        self._hashes: npt.NDArray[np.uint64] = np.load(path / "id_hashes.npy", mmap_mode="r")
        self._hash_rows: Rows = np.load(path / "id_rows.npy", mmap_mode="r")
        self._columns = {name: self._table.column(name).chunks for name in ("id", "title", "text")}
        self.fingerprint: str = (path / "fingerprint").read_text().strip()

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def _cell(self, column: str, row: int) -> str:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of a table of {len(self)}")
        value: str = self._columns[column][row // ROWS_PER_BATCH][row % ROWS_PER_BATCH].as_py()
        return value

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
        return [self.id(row) for row in (range(len(self)) if rows is None else rows)]

    def texts(self, rows: Iterable[int] | None = None) -> list[str]:
        """Texts of the given rows (default: all, in order); see `text`."""
        return [self.text(row) for row in (range(len(self)) if rows is None else rows)]

    def iterate(self, batch: int = ROWS_PER_BATCH) -> Iterator[list[str]]:
        """Yield all texts in order, ``batch`` at a time, so that they never stand in memory together."""
        for start in range(0, len(self), batch):
            yield self.texts(range(start, min(start + batch, len(self))))

    def row(self, identifier: str) -> int:
        """The row of an id, -1 where it is unknown."""
        value = np.uint64(_hash(identifier))
        place = int(np.searchsorted(self._hashes, value))
        while place < len(self._hashes) and self._hashes[place] == value:
            row = int(self._hash_rows[place])
            if self.id(row) == identifier:
                return row
            place += 1
        return -1

    def rows(self, identifiers: Sequence[str]) -> Rows:
        """Rows [len(identifiers)] of ids, -1 where unknown."""
        return np.fromiter((self.row(i) for i in identifiers), dtype=np.int64, count=len(identifiers))


class TableWriter:
    """Write a `TextTable` row by row into ``path`` (an existing empty folder), then `close`.

    Args:
        path: The folder to write into; the caller makes it appear atomically.
        kind: ``document`` or ``query``, for messages.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path, self.kind = path, kind
        self._sink = pa.OSFile(str(path / "texts.arrow"), "wb")
        self._writer = pa.ipc.new_file(self._sink, SCHEMA)
        self._pending: list[tuple[str, str, str]] = []
        self._hashes: list[npt.NDArray[np.uint64]] = []
        self._digest = xxhash.xxh3_128()

    def add(self, identifier: str, text: str, title: str = "") -> None:
        """Append one row."""
        self._pending.append((identifier, title, text))
        if len(self._pending) == ROWS_PER_BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        ids, titles, texts = (list(column) for column in zip(*self._pending, strict=True))
        batch = pa.record_batch([ids, titles, texts], schema=SCHEMA)
        self._writer.write_batch(batch)
        self._hashes.append(np.fromiter((_hash(i) for i in ids), dtype=np.uint64, count=len(ids)))
        for row in self._pending:
            for cell in row:
                self._digest.update(cell.encode("utf-8", "surrogatepass") + b"\0")
        self._pending = []

    def close(self) -> None:
        """Finish the files.

        Raises:
            DistillirError: An id occurs twice; the message names it and its rows.
        """
        self._flush()
        self._writer.close()
        self._sink.close()
        hashes = np.concatenate(self._hashes) if self._hashes else np.empty(0, dtype=np.uint64)
        self._hashes = []
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        np.save(self.path / "id_hashes.npy", ordered)
        np.save(self.path / "id_rows.npy", order.astype(np.int64))
        (self.path / "fingerprint").write_text(self._digest.hexdigest())
        table = TextTable(self.path)
        for place in np.flatnonzero(ordered[1:] == ordered[:-1]):
            first, second = int(order[place]), int(order[place + 1])
            if table.id(first) == table.id(second):
                raise DistillirError(
                    f"{self.kind} id {table.id(first)!r} occurs twice (rows {first + 1} and {second + 1})",
                    remedy="give every text an id of its own",
                )
