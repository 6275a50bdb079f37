"""Vectors on disk: a file of rows, float32 or narrower, and a mark for each row that is written."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import write_json
from distillir.encoding.narrow import NarrowVectors, Stored, StoredVectors, narrowed

Vectors = npt.NDArray[np.float32]
_FILES: dict[Stored, str] = {"float32": "vectors.f32", "float16": "vectors.f16", "int8": "vectors.i8"}
#: Scales of int8, and marks of rows that are there.
_SCALES, _DONE = "scales.f32", "done.u1"


class VectorStore:
    """Vectors [rows, dim] of the rows of a table, filled in any order, by any number of processes.

    A row is marked only after its vector is on disk, so that a kill at any moment leaves nothing wrong behind.

    Args:
        folder: Where ``vectors.f32`` (``vectors.f16``; ``vectors.i8`` and ``scales.f32``), ``done.u1`` and
            ``info.json`` are.
        rows: Rows of the table.
        dim: Width of a vector; None opens a store that must exist already.
        stored: Form of the numbers; None: float32, or that of the store that is there.

    Raises:
        DistillirError: The store there has another shape or form.
    """

    def __init__(self, folder: Path, rows: int, dim: int | None = None, stored: Stored | None = None) -> None:
        self.folder, self.rows = folder, rows
        info = folder / "info.json"
        if dim is not None and not info.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            form: Stored = stored or "float32"
            sizes = {_FILES[form]: np.dtype(form).itemsize * dim, _DONE: 1}
            for name, size in (sizes | ({_SCALES: 4} if form == "int8" else {})).items():
                # Sparse: takes no room until it is written to, and several processes may do this at once.
                make_sparse(folder / name, rows * size)
            write_json(info, {"rows": rows, "dim": dim, "dtype": form})
        found = json.loads(info.read_text(encoding="utf-8"))
        if found["rows"] != rows or dim not in (None, found["dim"]):
            raise DistillirError(
                f"vectors of another shape ({found['rows']} x {found['dim']})", where=folder, remedy="delete the folder"
            )
        if found["dtype"] not in _FILES or stored not in (None, found["dtype"]):
            raise DistillirError(f"vectors of another form ({found['dtype']})", where=folder, remedy="delete it")
        self.dim: int = found["dim"]
        self.stored: Stored = found["dtype"]

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Tell whether a store was made in ``folder``."""
        return (folder / "info.json").is_file()

    def missing(self, rows: Rows) -> Rows:
        """The rows among ``rows`` that have no vector yet."""
        if not self.rows:
            return rows
        done = np.memmap(self.folder / _DONE, dtype=np.uint8, mode="r", shape=(self.rows,))
        missing: Rows = rows[done[rows] == 0]
        return missing

    def write(self, rows: Rows, vectors: Vectors) -> None:
        """Write the vectors [len(rows), dim] float32 of rows, in the store's form, then mark them.

        Raises:
            DistillirError: The disk is full, or a number is beyond float16.
        """
        order = np.argsort(rows, kind="stable")
        rows, vectors = rows[order], np.ascontiguousarray(vectors[order], dtype=np.float32)
        values, scales = narrowed(vectors, self.stored)
        parts: list[tuple[str, npt.NDArray[Any]]] = [(_FILES[self.stored], values)]
        parts += [] if scales is None else [(_SCALES, scales)]
        # Neighbouring rows go to disk in one call.
        runs = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1) if len(rows) else []
        try:
            for name, array in (*parts, (_DONE, np.ones(len(rows), dtype=np.uint8))):
                size = array.itemsize * (array.shape[1] if array.ndim > 1 else 1)
                handle = os.open(self.folder / name, os.O_WRONLY)
                try:
                    for run in runs:
                        _write_all(handle, array[run[0] : run[-1] + 1].tobytes(), int(rows[run[0]]) * size)
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
    def vectors(self) -> StoredVectors:
        """All vectors [rows, dim], memory-mapped; rows that are missing are zero. Narrow ones are widened when read."""
        if self.stored == "float32" or not self.rows:
            return self.array
        values = self._mapped(_FILES[self.stored], self.stored, (self.rows, self.dim))
        return NarrowVectors(values, self._mapped(_SCALES, "float32", (self.rows,)) if self.stored == "int8" else None)

    @property
    def array(self) -> Vectors:
        """`vectors` of a float32 store."""
        if not self.rows:
            return np.empty((0, self.dim), dtype=np.float32)
        assert self.stored == "float32", "narrow vectors are no array"
        array: Vectors = self._mapped(_FILES["float32"], "float32", (self.rows, self.dim))
        return array

    def _mapped(self, name: str, dtype: str, shape: tuple[int, ...]) -> Any:
        return np.memmap(self.folder / name, dtype=dtype, mode="r", shape=shape)


def make_sparse(file: Path, size: int) -> None:
    """A file of zeros that takes no room until it is written to; one of that size that is there stays."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    os.ftruncate(handle, size)
    os.close(handle)


def _write_all(handle: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(handle, data, offset)
        data, offset = data[written:], offset + written
