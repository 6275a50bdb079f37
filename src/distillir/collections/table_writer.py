"""Writing a text table in one pass, a batch of rows in memory at a time."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from distillir.base.errors import DistillirError
from distillir.collections.table import TextTable
from distillir.collections.table_form import COLUMNS, ROWS_PER_BATCH, SCHEMA, id_hash


class DuplicateIdError(DistillirError):
    """An id occurs twice in a table.

    Attributes:
        identifier: The id.
        rows: The two rows that carry it, from 0.
    """

    def __init__(self, kind: str, identifier: str, rows: tuple[int, int]) -> None:
        self.identifier, self.rows = identifier, rows
        super().__init__(
            f"{kind} id {identifier!r} occurs twice (rows {rows[0] + 1} and {rows[1] + 1})",
            remedy="give every text an id of its own",
        )


class TableWriter:
    """Write a `TextTable` row by row into ``path`` (an existing empty folder), then `close`.

    Texts go to disk a batch at a time; only the hash of each id stays in memory (8 bytes a row).

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
        # Bytes and lengths are hashed apart: the same whatever the batches, and no two tables run together.
        self._digests = {name: (xxhash.xxh3_128(), xxhash.xxh3_128()) for name in COLUMNS}

    def add(self, identifier: str, text: str, title: str = "") -> None:
        """Append one row."""
        self._pending.append((identifier, title, text))
        if len(self._pending) == ROWS_PER_BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        columns = [pa.array(column, pa.string()) for column in zip(*self._pending, strict=True)]
        self._writer.write_batch(pa.record_batch(columns, schema=SCHEMA))
        ids = [row[0] for row in self._pending]
        self._hashes.append(np.fromiter((id_hash(i) for i in ids), dtype=np.uint64, count=len(ids)))
        for name, column in zip(COLUMNS, columns, strict=True):
            _, offsets, data = column.buffers()
            ends = np.frombuffer(offsets, dtype=np.int32, count=len(ids) + 1)
            self._digests[name][0].update(data[: int(ends[-1])] if data is not None else b"")
            self._digests[name][1].update(np.diff(ends).tobytes())
        self._pending = []

    def close(self) -> None:
        """Finish the files.

        Raises:
            DuplicateIdError: An id occurs twice.
        """
        self._flush()
        self._writer.close()
        self._sink.close()
        hashes = np.concatenate(self._hashes) if self._hashes else np.empty(0, dtype=np.uint64)
        self._hashes = []
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        del hashes
        np.save(self.path / "id_hashes.npy", ordered)
        np.save(self.path / "id_rows.npy", order.astype(np.int64, copy=False))
        parts = [digest.hexdigest() for pair in self._digests.values() for digest in pair]
        (self.path / "fingerprint").write_text(xxhash.xxh3_128_hexdigest("".join(parts).encode()))
        self._refuse_duplicates(ordered, order)

    def _refuse_duplicates(self, ordered: npt.NDArray[np.uint64], order: npt.NDArray[np.int64]) -> None:
        repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if not len(repeated):
            return
        table = TextTable(self.path)
        for value in repeated:
            start, end = np.searchsorted(ordered, value), np.searchsorted(ordered, value, side="right")
            first_rows: dict[str, int] = {}
            for row in order[start:end].tolist():
                identifier = table.id(row)
                if identifier in first_rows:
                    raise DuplicateIdError(self.kind, identifier, (first_rows[identifier], row))
                first_rows[identifier] = row
