"""Checks of a teaching set when it is opened, all on whole Arrow columns, so that they cost little."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.teaching.columns import FIELDS, INFO_FILE, VERSION
from distillir.teaching.list_column import ListColumn

DAMAGED = "it was changed or is damaged: delete it, and make it anew"


def check_info(info: Any, path: Path) -> None:
    """Check the content of ``teaching.json``.

    Raises:
        DistillirError: A key is missing, or the version is of a newer distillir.
    """
    where = path / INFO_FILE if path.is_dir() else path
    if not isinstance(info, dict):
        raise DistillirError("is no JSON object", where=where, remedy=DAMAGED)
    for key in ("version", "collection", "signals", "lists"):
        if key not in info:
            raise DistillirError(f"no {key!r}", where=where, remedy=DAMAGED)
    if not isinstance(info["collection"], dict) or {"name", "fingerprint", "path"} - set(info["collection"]):
        raise DistillirError("'collection' lacks name, fingerprint or path", where=where, remedy=DAMAGED)
    if info["version"] != VERSION:
        raise DistillirError(
            f"version {info['version']} of the form; this distillir reads {VERSION}",
            where=where,
            remedy="use the distillir that wrote it, or make it anew",
        )


def check_table(table: pa.Table, info: Mapping[str, Any], path: Path) -> None:
    """Check that the columns fit each other and hold numbers.

    Raises:
        DistillirError: The message names the first list that is wrong.
    """
    if len(table) != info["lists"]:
        raise DistillirError(f"{len(table)} lists where {info['lists']} are announced", where=path, remedy=DAMAGED)
    names = [name for name in FIELDS if name in table.column_names]
    for name in names:
        column = table.column(name)
        inner = [chunk.flatten().null_count for chunk in column.chunks] if pa.types.is_list(column.type) else []
        if column.null_count or any(inner):
            raise DistillirError(f"column {name!r} holds nulls", where=path, remedy=DAMAGED)
    sizes = pc.list_value_length(table.column("documents")).to_numpy()
    for name in names:
        if pa.types.is_list(table.column(name).type):
            wrong = np.flatnonzero(pc.list_value_length(table.column(name)).to_numpy() != sizes)
            if len(wrong):
                raise DistillirError(
                    f"list {wrong[0]} has {sizes[wrong[0]]} documents and another number of {name}",
                    where=path,
                    remedy=DAMAGED,
                )
    if "scores" in names:
        _check_scores(table, path)


def _check_scores(table: pa.Table, path: Path) -> None:
    if all(pc.all(pc.is_finite(chunk.flatten()), min_count=0).as_py() for chunk in table.column("scores").chunks):
        return
    scores = ListColumn(table.column("scores"))
    index = next(i for i in range(len(scores)) if not np.isfinite(scores[i]).all())
    place = int(np.flatnonzero(~np.isfinite(scores[index]))[0])
    query, document = table.column("query_id")[index].as_py(), table.column("document_ids")[index][place].as_py()
    raise DistillirError(
        f"query {query!r} and document {document!r} (list {index}) have the teacher score {scores[index][place]}",
        where=path,
        remedy="score it again",
    )


def check_collection(info: Mapping[str, Any], table: pa.Table, collection: Collection, path: Path) -> None:
    """Check that a teaching set belongs to a collection and that its rows exist there.

    Raises:
        DistillirError: It belongs to another, named with both names.
    """
    about = info["collection"]
    if about["fingerprint"] != collection.fingerprint:
        raise DistillirError(
            f"made for collection {about['name']!r} (texts {about['fingerprint']}), "
            f"not for {collection.name!r} (texts {collection.fingerprint})",
            where=path,
            remedy="give the collection it was made for, or make it anew",
        )
    documents = [chunk.flatten() for chunk in table.column("documents").chunks]
    for kind, chunks, count in (
        ("query", table.column("query").chunks, len(collection.queries)),
        ("document", documents, len(collection.corpus)),
    ):
        for chunk in chunks:
            limits = pc.min_max(chunk).as_py() if len(chunk) else {"min": 0, "max": -1}
            if limits["min"] < 0 or limits["max"] >= count:
                raise DistillirError(f"a {kind} row outside 0 to {count - 1}", where=path, remedy=DAMAGED)
