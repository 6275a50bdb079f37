"""Vectors made elsewhere as the index that is kept: files of vectors, and whose they are."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, cache_root
from distillir.base.hashes import hash_of_json
from distillir.base.processes import first_process_first
from distillir.base.progress import progress
from distillir.collections.joined import JoinedTable
from distillir.collections.table import TextTable
from distillir.encoding.fingerprint import file_hash
from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.vector_files import read_ids, vector_arrays, vector_files
from distillir.students.kept_documents.vectors import Array, DocumentVectors

#: Keys of the recipe, for messages.
VECTORS, IDS = "student.documents.vectors", "student.documents.ids"
#: Vectors, and ids, that are looked at together.
_BLOCK = 1 << 16


class VectorsIndex(KeptIndex):
    """Vectors in .npy or .parquet files, which stay where they are and are mapped.

    Args:
        path: A folder of such files, in the order of their names, or one file.
        ids: File with the id of each vector's document, a line each; None: a column ``id`` of the parquet files.
        similarity: ``cosine`` or ``dot``.

    Raises:
        DistillirError: There are no such files.
    """

    def __init__(self, path: Path, ids: Path | None, similarity: str) -> None:
        self.path, self.ids, self.similarity, self.name = path, ids, similarity, path.name
        self.files = vector_files(path, VECTORS)
        if ids is None and self.files[0].suffix == ".npy":
            raise DistillirError("whose vectors these are is not said", where=IDS, remedy="name a file of ids")
        if ids is not None and not ids.is_file():
            raise DistillirError(f"no such file: {ids}", where=IDS, remedy="check the path")

    @cached_property
    def fingerprint(self) -> str:
        """See `KeptIndex.fingerprint`: the content of all files, and how the vectors are compared."""
        ids = None if self.ids is None else file_hash(self.ids)
        return hash_of_json([[[file.name, file_hash(file)] for file in self.files], ids, self.similarity])

    @cached_property
    def arrays(self) -> list[Array]:
        """The files' vectors [n, D], mapped; those of parquet files from a copy in the cache."""
        with first_process_first():
            return vector_arrays(self.files, self._cache, VECTORS)

    @property
    def _cache(self) -> Path:
        return cache_root() / "kept-vectors" / self.fingerprint

    @property
    def width(self) -> int:
        """See `KeptIndex.width`."""
        return int(self.arrays[0].shape[1])

    def vectors(self, table: TextTable) -> DocumentVectors:
        """See `KeptIndex.vectors`; the vectors are looked at once for each corpus.

        Raises:
            DistillirError: Vectors and ids are not as many, an id stands twice or is of no document, a document has no
                vector, or one is not finite.
        """
        if isinstance(table, JoinedTable):
            raise DistillirError(
                "a signal brings texts of its own, and no model is known that encodes them as the vectors were",
                where="student.documents",
                remedy="name their model ({dense: model})",
            )
        arrays, folder = self.arrays, self._cache / table.fingerprint
        with first_process_first():
            if not (folder / "places.npy").is_file():
                places = self._places(table, DocumentVectors(arrays))
                with atomic_directory(folder) as made:
                    np.save(made / "places.npy", places)
        return DocumentVectors(arrays, np.load(folder / "places.npy", mmap_mode="r"))

    def check(self, table: TextTable) -> None:
        """See `KeptIndex.check`: vectors made elsewhere are looked at, as `vectors` does."""
        self.vectors(table)

    def _places(self, table: TextTable, vectors: DocumentVectors) -> Rows:
        """The place of each row's vector [N]."""
        places, place, unknown, first = np.full(len(table), -1, dtype=np.int64), 0, 0, ""
        with progress("Find documents of vectors", len(vectors)) as advance:
            for ids in read_ids(self.ids, self.files, _BLOCK):
                rows = table.rows(ids)
                lost = np.flatnonzero(rows < 0)
                unknown, first = unknown + len(lost), first or (ids[lost[0]] if len(lost) else "")
                known = np.flatnonzero(rows >= 0)
                twice = known[places[rows[known]] >= 0]
                if len(twice) or len(np.unique(rows[known])) < len(known):
                    values, counts = np.unique(rows[known], return_counts=True)
                    row = rows[twice[0]] if len(twice) else values[counts > 1][0]
                    raise DistillirError(
                        f"the id {table.id(int(row))!r} stands twice",
                        where=self.ids or self.path,
                        remedy="keep one vector of it",
                    )
                places[rows[known]] = place + known
                place += len(ids)
                advance(len(ids))
        where = self.ids or self.path
        if place != len(vectors):
            raise DistillirError(
                f"{place} ids for {len(vectors)} vectors", where=where, remedy="give one id a vector, in their order"
            )
        if unknown:
            raise DistillirError(
                f"{unknown} of {place} ids are not in the collection, for example {first!r}",
                where=where,
                remedy="take these vectors and ids out, or take the collection that they were made of",
            )
        missing = np.flatnonzero(places < 0)
        if len(missing):
            raise DistillirError(
                f"{len(missing)} of {len(table)} documents have no vector, for example {table.id(int(missing[0]))!r}",
                where=where,
                remedy="add their vectors, or take the collection that the vectors were made of",
            )
        self._check_finite(table, vectors, places)
        return places

    def _check_finite(self, table: TextTable, vectors: DocumentVectors, places: Rows) -> None:
        with progress("Check vectors", len(vectors)) as advance:
            for start in range(0, len(vectors), _BLOCK):
                block: Any = vectors[start : start + _BLOCK]
                wrong = np.flatnonzero(~np.isfinite(block).all(axis=1))
                if len(wrong):
                    row = int(np.flatnonzero(places == start + wrong[0])[0])
                    raise DistillirError(
                        f"the vector of document {table.id(row)!r} is not finite",
                        where=self.path,
                        remedy="make it anew",
                    )
                advance(len(block))
