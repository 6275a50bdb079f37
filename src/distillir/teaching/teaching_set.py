"""TeachingSet: queries, ragged candidate lists and the teacher's signals, memory-mapped from one folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distillir.base.arrays import Rows, Scores
from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file
from distillir.collections import Collection
from distillir.teaching.check import DAMAGED, check_collection, check_info, check_table
from distillir.teaching.columns import FIELDS, INFO_FILE, INFO_KEY, conform
from distillir.teaching.list_column import ListColumn


class TeachingSet:
    """The student's training data: one row a list, with candidates and signals beside the query.

    Nothing is copied into memory: lists are views of the mapped files. Make one with
    `distillir.teaching.build_teaching_set` or `import_teaching`, open one with `open_teaching_set`.

    Args:
        table: An Arrow table of the columns of `distillir.teaching.columns.FIELDS`.
        info: The content of ``teaching.json``.
        path: Where it lies.

    Attributes:
        info: ``version``, ``collection`` (name, fingerprint, path), ``signals``, ``lists``, ``candidates`` (counts),
            and whatever the maker put there (``teacher``).
        queries: Query rows [Q], int64.
    """

    def __init__(self, table: pa.Table, info: Mapping[str, Any], path: Path) -> None:
        self.path, self.info = path, dict(info)
        self.table = table
        self.queries: Rows = table.column("query").to_numpy()
        self._documents = ListColumn(table.column("documents"))
        self._relevant = ListColumn(table.column("relevant"))
        self._scores = ListColumn(table.column("scores")) if "scores" in table.column_names else None

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        # Pickled (worker processes) as its path: Arrow would copy every list.
        return (open_teaching_set, (self.path,))

    def __len__(self) -> int:
        return len(self.queries)

    def __repr__(self) -> str:
        scored = self.info.get("teacher", "scored") if self.has_scores else "no scores"
        lists = f"{len(self)} lists, {int(self.sizes.sum())} candidates"
        return f"<TeachingSet of {self.info['collection']['name']}: {lists}; {scored}; {self.path}>"

    def documents(self, index: int) -> Rows:
        """Candidate document rows [N] of the ``index``-th list."""
        return self._documents[index]

    def scores(self, index: int) -> Scores:
        """Raw teacher scores [N] of the ``index``-th list, float32.

        Raises:
            DistillirError: The set holds candidates only.
        """
        if self._scores is None:
            raise DistillirError("has no teacher scores", where=self.path, remedy="score it first: distillir score")
        return self._scores[index]

    def relevant(self, index: int) -> npt.NDArray[np.bool_]:
        """Mask [N] of the candidates of the ``index``-th list that are judged relevant."""
        return self._relevant[index]

    @property
    def has_scores(self) -> bool:
        """Tell whether the candidates are scored."""
        return self._scores is not None

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Number of candidates of each list [Q]."""
        return self._documents.sizes

    @property
    def lists(self) -> list[Rows]:
        """All candidate lists, in order: views, not copies."""
        return [self.documents(i) for i in range(len(self))]

    def open_collection(self) -> Collection:
        """The collection the rows belong to, from where it lay when the set was made.

        Raises:
            DistillirError: It is no longer there, or is another.
        """
        folder = Path(self.info["collection"]["path"])
        folder = folder if folder.is_absolute() else self.path / folder
        if not folder.exists():
            raise DistillirError(
                f"its collection {self.info['collection']['name']!r} is no longer at {folder}",
                where=self.path,
                remedy="name the collection yourself",
            )
        collection = Collection(folder)
        check_collection(self.info, self.table, collection, self.path)
        return collection

    def to_parquet(self, path: Path | str) -> None:
        """Write the set as one Parquet file, which `open_teaching_set` and `datasets` read."""
        import pyarrow.parquet as pq

        kinds = self.table.schema.with_metadata({INFO_KEY: json.dumps(self._portable_info()).encode()})
        with atomic_file(Path(path)) as temporary, pq.ParquetWriter(str(temporary), kinds) as writer:
            for batch in self.table.to_batches(max_chunksize=10_000):
                writer.write_table(pa.Table.from_batches([batch]).replace_schema_metadata(kinds.metadata))

    def _portable_info(self) -> dict[str, Any]:
        """The info with a path of the collection that holds from any other place."""
        about = self.info["collection"]
        return {**self.info, "collection": {**about, "path": str((self.path / about["path"]).resolve())}}


def open_teaching_set(path: Path | str, collection: Collection | None = None) -> TeachingSet:
    """Open a teaching set and check that it is whole.

    Args:
        path: Its folder, or a Parquet file that `TeachingSet.to_parquet` wrote.
        collection: The collection it must belong to; default: any.

    Raises:
        DistillirError: It is missing or malformed, holds a score that is not finite, or belongs to another collection.
    """
    place = Path(path)
    if not place.exists():
        raise DistillirError("no such teaching set", where=place, remedy="check the path")
    table, info = _read_parquet(place) if place.is_file() else _read_folder(place)
    table = conform(table, place)
    check_info(info, place)
    check_table(table, info, place)
    if collection is not None:
        check_collection(info, table, collection, place)
    return TeachingSet(table, info, place)


def _read_folder(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    import datasets

    if not (path / INFO_FILE).is_file():
        raise DistillirError(
            f"is no teaching set ({INFO_FILE} is missing)", where=path, remedy="make one with distillir score or import"
        )
    try:
        info = json.loads((path / INFO_FILE).read_text(encoding="utf-8"))
        table = datasets.load_from_disk(str(path)).with_format("arrow")[:]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, pa.ArrowException) as error:
        raise_if_refused(error)
        raise DistillirError(f"cannot be read ({error})", where=path, remedy=DAMAGED) from error
    return table, info


def _read_parquet(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(str(path), memory_map=True)
    except (OSError, pa.ArrowException) as error:
        raise_if_refused(error)
        raise DistillirError(f"is no Parquet file ({error})", where=path) from error
    kept = (table.schema.metadata or {}).get(INFO_KEY)
    if kept is None:
        raise DistillirError(
            "does not say which collection it belongs to",
            where=path,
            remedy=f"import it with its collection; read are the columns {', '.join(FIELDS)}",
        )
    return table, json.loads(kept)
