"""Parquet with the columns of a teaching set: query_id, document_ids, and perhaps scores and relevant."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.teaching.formats.example import TEXT_SCORES
from distillir.teaching.formats.format import Format, Glance, Settings
from distillir.teaching.formats.lists import IdList, RowList, to_rows
from distillir.teaching.formats.records import read_records
from distillir.teaching.formats.tally import ImportTally
from distillir.teaching.formats.values import read_id, read_score
from distillir.teaching.teaching_set import TeachingSet

COLUMNS = ("query_id", "document_ids", "scores", "relevant")


def _read(source: Path, collection: Collection, settings: Settings) -> Iterator[RowList]:
    return to_rows(_lists(source, settings.tally), str(source), collection, settings.unknown)


def _lists(source: Path, tally: ImportTally) -> Iterator[IdList]:
    """The lists, by ids: rows of another collection would mean nothing here."""
    try:
        names = pq.read_schema(str(source)).names
    except (OSError, pa.ArrowException) as error:
        raise_if_refused(error)
        raise DistillirError(f"is no Parquet file ({error})", where=source) from error
    for needed in COLUMNS[:2]:
        if needed not in names:
            raise DistillirError(f"no column {needed!r}", where=source, remedy="these hold ids as texts")
    for record in read_records(source):
        yield read_list(record.value, record.number, record.where, tally)


def read_list(value: Mapping[str, Any], number: int, where: str, tally: ImportTally) -> IdList:
    """A list of ids, with scores and relevance where the record has them.

    Lists may be written as texts (``"[1, 2]"``), as PyLate's data sets have them.

    Raises:
        DistillirError: The query has no id, or a list does not fit the documents.
    """
    # A teaching set's own columns ``query`` and ``documents`` are rows, which the ids beside them stand for.
    tally.record({name: one for name, one in value.items() if name not in ("query", "documents")}, COLUMNS)
    documents = _several(value.get("document_ids"), "document_ids", where)
    if documents is None:
        raise DistillirError("no list under 'document_ids'", where=where, remedy="these hold ids as texts or numbers")
    scores, relevant = (_several(value.get(name), name, where) for name in ("scores", "relevant"))
    for name, values in (("scores", scores), ("relevant", relevant)):
        if values is not None and len(values) != len(documents):
            raise DistillirError(f"{len(values)} {name} for {len(documents)} documents", where=where)
    if any(isinstance(score, str) for score in scores or ()):
        tally.note(TEXT_SCORES)
    return IdList(
        number,
        read_id(value.get("query_id"), where, "query"),
        [read_id(one, where, "document") for one in documents],
        None if scores is None else [read_score(score, where) for score in scores],
        None if relevant is None else [bool(flag) for flag in relevant],
        where,
    )


def _several(value: Any, name: str, where: str) -> list[Any] | None:
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise DistillirError(f"{name!r} is no list", where=where, remedy="write [1, 2]") from None
    if value is not None and not isinstance(value, list):
        raise DistillirError(f"{name!r} is no list", where=where, remedy="write [1, 2]")
    return value


def _write(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    teaching_set.to_parquet(path)


def _recognises(glance: Glance) -> bool:
    record = glance.record
    return glance.path.suffix == ".parquet" and isinstance(record, dict) and set(COLUMNS[:2]) <= record.keys()


FORMAT = Format(
    name="parquet",
    description="one Parquet file with the columns of a teaching set; read by its query_id and document_ids",
    expected=f"a row with the columns {', '.join(COLUMNS)}",
    recognises=_recognises,
    read=_read,
    texts=lambda source, settings: None,
    write=_write,
    count=lambda source: int(pq.read_metadata(str(source)).num_rows),
    keys=frozenset(COLUMNS),
)
