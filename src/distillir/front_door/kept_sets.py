"""Teaching sets made by a call: kept in the cache under the name of their content, or where the caller says."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from distillir.base.arrays import Flags
from distillir.base.errors import DistillirError
from distillir.base.files import cache_root
from distillir.base.processes import first_decides
from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.front_door.forms import as_path
from distillir.retrieval.run import Run, Scores
from distillir.teaching.fingerprint import lists_fingerprint
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set
from distillir.teaching.writer import build_teaching_set


def check_candidates(candidates: object, collection: Collection) -> None:
    """Refuse candidates that are no run, or one of another collection's rows.

    Raises:
        DistillirError: They are.
    """
    if not isinstance(candidates, Run):
        raise DistillirError(
            f"{type(candidates).__name__} is no run", where="candidates", remedy="give what distillir.mine gave"
        )
    own = getattr(candidates, "collection", None)
    if own is not None and own.fingerprint != collection.fingerprint:
        raise DistillirError(
            f"are of the collection {own.name}, not of {collection.name}", where="candidates", remedy="mine them anew"
        )


def keep_set(
    collection: Collection,
    queries: Rows,
    lists: Sequence[Rows],
    scores: Sequence[Scores] | None,
    relevant: Sequence[Flags],
    info: Mapping[str, Any],
    output: "str | os.PathLike[str] | None",
) -> TeachingSet:
    """Write a teaching set and open it; one of the same content that is there already is opened.

    The first of several processes writes.

    Args:
        collection: Whose rows are given.
        queries: Query rows [Q].
        lists: Document rows of each list.
        scores: Raw teacher scores of each list; None for none.
        relevant: Which candidates of each list are judged relevant.
        info: What is kept beside it, for example the teacher's name.
        output: Its folder; None: one in the cache, named by its content.

    Raises:
        DistillirError: The folder holds something else, or as `distillir.teaching.writer.build_teaching_set`.
    """
    path = as_path(output) if output is not None else _cached(collection, queries, lists, scores, relevant, info)

    def write() -> None:
        if output is None and path.is_dir():
            return
        if not path.exists():
            build_teaching_set(collection, queries, lists, scores, relevant, info, path)
        elif not _same(path, collection, queries, lists, scores, relevant):
            raise DistillirError("holds something else already", where=path, remedy="choose another output")

    first_decides(write)
    return open_teaching_set(path, collection)


class _Lists:
    """Lists in memory, as `lists_fingerprint` reads them."""

    def __init__(
        self, queries: Rows, lists: Sequence[Rows], scores: Sequence[Scores] | None, relevant: Sequence[Flags]
    ) -> None:
        self.queries = np.asarray(queries, dtype=np.int64)
        self._lists, self._scores, self._relevant = lists, scores, relevant

    def __len__(self) -> int:
        return len(self.queries)

    def documents(self, index: int) -> Rows:
        return np.asarray(self._lists[index], dtype=np.int64)

    def scores(self, index: int) -> Scores:
        assert self._scores is not None
        return np.asarray(self._scores[index], dtype=np.float32)

    def relevant(self, index: int) -> Flags:
        return np.asarray(self._relevant[index], dtype=bool)


def _cached(
    collection: Collection,
    queries: Rows,
    lists: Sequence[Rows],
    scores: Sequence[Scores] | None,
    relevant: Sequence[Flags],
    info: Mapping[str, Any],
) -> Path:
    content = lists_fingerprint(_Lists(queries, lists, scores, relevant), scores=scores is not None)
    # The path too: the set says where its collection lies.
    told = f"{collection.fingerprint}\n{collection.path.resolve()}\n{content}\n{sorted(info.items())}"
    name = re.sub(r"[^\w.-]+", "-", collection.name).strip("-.") or "collection"
    key = xxhash.xxh3_64_hexdigest(told.encode("utf-8", "surrogateescape"))
    return cache_root() / "teaching" / f"{name[:80]}-{key}"


def _same(
    path: Path,
    collection: Collection,
    queries: Rows,
    lists: Sequence[Rows],
    scores: Sequence[Scores] | None,
    relevant: Sequence[Flags],
) -> bool:
    """Whether a folder holds a teaching set of the same lists."""
    try:
        there = open_teaching_set(path, collection)
    except DistillirError:
        return False
    scored = scores is not None
    mine = lists_fingerprint(_Lists(queries, lists, scores, relevant), scores=scored)
    return there.has_scores == scored and lists_fingerprint(there, scores=scored) == mine
