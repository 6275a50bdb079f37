"""Vectors on disk: one file of float32 rows, and a mark for each row that is written."""

import json
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import write_json

Vectors = npt.NDArray[np.float32]


class VectorStore:
    """Vectors [rows, dim] of the rows of a table, filled in any order, by any number of processes.

    A row is marked only after its vector is on disk, so that a kill at any moment leaves nothing wrong behind.

    Args:
        folder: Where ``vectors.f32``, ``done.u1`` and ``info.json`` are.
        rows: Rows of the table.
        dim: Width of a vector; None opens a store that must exist already.

    Raises:
        DistillirError: The store there has another shape.
    """

    def __init__(self, folder: Path, rows: int, dim: int | None = None) -> None:
        self.folder, self.rows = folder, rows
        info = folder / "info.json"
        if dim is not None and not info.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            for name, size in (("vectors.f32", rows * dim * 4), ("done.u1", rows)):
                # Sparse: takes no room until it is written to, and several processes may do this at once.
                handle = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o644)
                os.ftruncate(handle, size)
                os.close(handle)
            write_json(info, {"rows": rows, "dim": dim, "dtype": "float32"})
        found = json.loads(info.read_text(encoding="utf-8"))
        if found["rows"] != rows or dim not in (None, found["dim"]):
            raise DistillirError(
                f"vectors of another shape ({found['rows']} x {found['dim']})", where=folder, remedy="delete the folder"
            )
        self.dim: int = found["dim"]

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Tell whether a store was made in ``folder``."""
        return (folder / "info.json").is_file()

    def missing(self, rows: Rows) -> Rows:
        """The rows among ``rows`` that have no vector yet."""
        if not self.rows:
            return rows
        done = np.memmap(self.folder / "done.u1", dtype=np.uint8, mode="r", shape=(self.rows,))
        missing: Rows = rows[done[rows] == 0]
        return missing

    def write(self, rows: Rows, vectors: Vectors) -> None:
        """Write the vectors [len(rows), dim] of rows, then mark them.

        Raises:
            DistillirError: The disk is full.
        """
        order = np.argsort(rows, kind="stable")
        rows, vectors = rows[order], np.ascontiguousarray(vectors[order], dtype=np.float32)
        # Neighbouring rows go to disk in one call.
        runs = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1) if len(rows) else []
        try:
            for name, size, values in (
                ("vectors.f32", self.dim * 4, vectors),
                ("done.u1", 1, np.ones(len(rows), dtype=np.uint8)),
            ):
                handle = os.open(self.folder / name, os.O_WRONLY)
                try:
                    for run in runs:
                        _write_all(handle, values[run[0] : run[-1] + 1].tobytes(), int(rows[run[0]]) * size)
                    os.fsync(handle)
                finally:
                    os.close(handle)
        except OSError as error:
            raise DistillirError(
                f"vectors cannot be written ({error.strerror})",
                where=self.folder,
                remedy="make room or set DISTILLIR_CACHE to another disk; what is written stays",
            ) from None

    @property
    def array(self) -> Vectors:
        """All vectors [rows, dim], memory-mapped; rows that are missing are zero."""
        if not self.rows:
            return np.empty((0, self.dim), dtype=np.float32)
        return np.memmap(self.folder / "vectors.f32", dtype=np.float32, mode="r", shape=(self.rows, self.dim))


def _write_all(handle: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(handle, data, offset)
        data, offset = data[written:], offset + written
