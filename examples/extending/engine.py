"""An engine of one's own: vectors in a NumPy file, compared one by one.

distillir index runs/mine --to engine:ENGINE --allow-code
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from pydantic import Field

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file
from distillir.base.lock import locked
from distillir.engines.engine import DocumentBatch, Engine, EngineKind, IndexPlace, Layout
from distillir.specs.part import Count, Options


class NumpyOptions(Options):
    """Options of the engine."""

    most: Count = Field(100_000, description="documents at most")


class NumpyEngine(Engine):
    """A folder of batches, an ``.npz`` file each."""

    def __init__(self, options: NumpyOptions, place: IndexPlace, layout: Layout) -> None:
        self.folder, self.layout = place.folder / place.table, layout
        self.place, self.version = str(self.folder), f"numpy {np.__version__}"
        if layout.documents > options.most:
            raise DistillirError(f"{layout.documents} documents, and it takes {options.most}", where="--to engine")
        self.ids: list[str] = []
        self.vectors = np.empty((0, layout.width), dtype=np.float32)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other commands away."""
        self.folder.parent.mkdir(exist_ok=True)
        with locked(self.folder, beside=True):
            yield

    def record(self) -> dict[str, Any] | None:
        """What the table was made from."""
        file = self.folder / "record.json"
        return dict(json.loads(file.read_text())) if file.is_file() else None

    def create(self, record: Mapping[str, Any]) -> None:
        """Make the folder."""
        self.folder.mkdir()
        (self.folder / "record.json").write_text(json.dumps(dict(record)))

    def drop(self) -> None:
        """Delete the folder."""
        for file in self.folder.iterdir():
            file.unlink()
        self.folder.rmdir()

    def _parts(self) -> list[Mapping[str, Any]]:
        return [np.load(file) for file in sorted(self.folder.glob("*.npz"))]

    def numbers(self) -> Rows:
        """Rows of the documents that are there."""
        return np.concatenate([np.empty(0, np.int64), *(part["numbers"] for part in self._parts())])

    def add(self, batch: DocumentBatch) -> None:
        """Write a file, which is there or is not."""
        with atomic_file(self.folder / f"{batch.numbers[0]:09}.npz") as temporary, temporary.open("wb") as out:
            np.savez(out, numbers=batch.numbers, ids=np.array(batch.ids), vectors=batch.vectors)

    def finish(self) -> str:
        """Read all, at length 1 where cosines are compared."""
        parts = self._parts()
        self.ids = [name for part in parts for name in part["ids"].tolist()]
        self.vectors = np.concatenate([part["vectors"] for part in parts])
        if self.layout.similarity == "cosine":
            self.vectors /= np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return "exact"

    def search(self, vector: Any, depth: int) -> list[str]:
        """The nearest documents."""
        return [self.ids[place] for place in np.argsort(-(self.vectors @ vector), kind="stable")[:depth]]

    def close(self) -> None:
        """Nothing is held open."""


ENGINE = EngineKind(
    "numpy", "NumPy files, compared one by one", NumpyOptions, open=NumpyEngine, holds={"dense": ["float32"]}
)
