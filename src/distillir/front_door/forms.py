"""Forms that the front door takes: those of recipes, and objects that stand for them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from distillir.collections import Collection, Qrels


def plain(value: Any) -> Any:
    """A value as a recipe file would hold it: paths, collections and teaching sets as the text of their paths.

    Args:
        value: A mapping, a list, or a single value; it is left as it is, and copied.

    Raises:
        DistillirError: It is nested too deep, or holds itself.
    """
    try:
        return _plain(value)
    except RecursionError:
        raise DistillirError("nested too deep, or holds itself", where="recipe") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if value is None or isinstance(value, str | int | float):
        return value
    from distillir.collections import Collection
    from distillir.teaching.teaching_set import TeachingSet

    return str(value.path) if isinstance(value, Collection | TeachingSet) else value


def as_collection(collection: Any) -> "Collection":
    """Open what names a collection; one that is open already stays as it is.

    Raises:
        DistillirError: As `distillir.load_collection`.
    """
    from distillir.collections import Collection, load_collection

    return collection if isinstance(collection, Collection) else load_collection(plain(collection))


def query_rows(collection: "Collection", queries: Any) -> "npt.NDArray[np.int64]":
    """Rows [Q] of the queries that a caller means.

    Args:
        collection: Whose queries.
        queries: A split (its judged queries, ascending), query ids, query rows [Q], or None for all of them.

    Raises:
        DistillirError: No such split, an unknown id or row, or no query at all.
    """
    import numpy as np

    where = "queries"
    if queries is None:
        rows = np.arange(len(collection.queries), dtype=np.int64)
    elif isinstance(queries, str):
        if queries not in collection.splits:
            named = f"choose one of: {', '.join(collection.splits)}; or " if collection.splits else ""
            raise DistillirError(
                f"{collection.name} has no split {queries!r}",
                where=where,
                remedy=f"{named}give queries=None for all of its queries",
            )
        rows = collection.qrels(queries).query_rows
    else:
        rows = rows_of_ids(collection.queries, queries, where)
    if not len(rows):
        raise DistillirError(f"{collection.name} has none of them", where=where, remedy="choose others")
    return rows


def rows_of_ids(table: Any, wanted: Any, where: str) -> "npt.NDArray[np.int64]":
    """Rows [N] in a table of texts by id, or rows as they are.

    Args:
        table: Documents or queries.
        wanted: Ids (texts), or rows (whole numbers).
        where: What messages call the place.

    Raises:
        DistillirError: An id that the table does not have, or a row beyond its end.
    """
    import numpy as np

    values = list(wanted)
    if all(isinstance(value, str) for value in values):
        rows = table.rows(values)
        if (rows < 0).any():
            unknown = values[int(np.flatnonzero(rows < 0)[0])]
            raise DistillirError(f"unknown id {unknown!r}", where=where, remedy="give ids of this collection")
        return np.asarray(rows, dtype=np.int64)
    if not all(isinstance(value, int | np.integer) and 0 <= value < len(table) for value in values):
        raise DistillirError(
            "neither ids (texts) nor rows", where=where, remedy=f"rows are whole numbers below {len(table)}"
        )
    return np.asarray(values, dtype=np.int64)


def judgements_of(collection: "Collection", splits: str | Sequence[str] | None) -> "Qrels":
    """Judgements of some splits as one, sorted by query row, then document row.

    Args:
        collection: Whose.
        splits: One, several, or None for all it has.

    Raises:
        DistillirError: It has no such split.
    """
    import numpy as np

    from distillir.collections import Qrels

    named = collection.splits if splits is None else [splits] if isinstance(splits, str) else list(splits)
    if len(named) == 1:
        return collection.qrels(named[0])
    parts = [collection.qrels(split) for split in named]
    queries = np.concatenate([np.empty(0, np.int64), *(part.queries for part in parts)])
    documents = np.concatenate([np.empty(0, np.int64), *(part.documents for part in parts)])
    grades = np.concatenate([np.empty(0, np.int32), *(part.grades for part in parts)])
    order = np.lexsort((documents, queries))
    return Qrels(queries[order], documents[order], grades[order])


def as_path(value: "str | os.PathLike[str]") -> Path:
    """A path that a caller names, ``~`` included."""
    return Path(value).expanduser()
