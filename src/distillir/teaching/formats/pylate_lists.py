"""PyLate's data sets for distillation: ``query_id, document_ids, scores`` a row, texts in data sets of their own.

A folder holds three parts, each a file or a folder: ``train``, ``queries`` (``query_id, text``) and ``documents``
(``document_id, text``).
Source of the form: lightonai/pylate, pylate/utils/processing.py (KDProcessing) and the data set cards of lightonai.
"""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.source import Entry, QrelsPart, Source, TextPart
from distillir.teaching.formats.example import first_key
from distillir.teaching.formats.format import Format, Glance, Settings
from distillir.teaching.formats.lists import IdList, RowList, to_rows
from distillir.teaching.formats.parquet import read_list
from distillir.teaching.formats.records import Record, count_records, read_records
from distillir.teaching.formats.values import read_id

PARTS = {"train": ("train",), "queries": ("queries", "query"), "documents": ("documents", "corpus", "collection")}
KEYS = {
    "queries": (("query_id", "id", "_id"), ("text", "query")),
    "documents": (("document_id", "id", "_id"), ("text", "document")),
}


def part(folder: Path, name: str) -> list[Path]:
    """Files or folders of a part, by the beginning of their names."""
    names = PARTS[name]
    return sorted(path for path in folder.iterdir() if path.name.lower().startswith(names)) if folder.is_dir() else []


def _records(source: Path, name: str) -> Iterator[Record]:
    return chain.from_iterable(read_records(path) for path in part(source, name))


def _lists_of(source: Path) -> Iterator[Record]:
    if not source.is_dir():
        return read_records(source)
    if not part(source, "train"):
        raise DistillirError("has no part 'train'", where=source, remedy="expected are train, queries and documents")
    return _records(source, "train")


def _read(source: Path, collection: Collection, settings: Settings) -> Iterator[RowList]:
    lists = (_list(record, settings) for record in _lists_of(source))
    return to_rows(lists, str(source), collection, settings.unknown)


def _list(record: Record, settings: Settings) -> IdList:
    if not isinstance(record.value, dict):
        raise DistillirError("no JSON object", where=record.where, remedy=f"write {FORMAT.expected}")
    return read_list(record.value, record.number, record.where, settings.tally)


class PylateTexts(Source):
    """The texts of a folder of PyLate's parts.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name, self.origin = folder.resolve().name, str(folder)

    def identity(self) -> str:
        """The folder's path."""
        return str(self.folder.resolve())

    def documents(self) -> TextPart:
        """The part ``documents``."""
        return self._part("documents")

    def queries(self) -> list[TextPart]:
        """The part ``queries``."""
        return [self._part("queries")]

    def judgements(self) -> list[QrelsPart]:
        """None."""
        return []

    def _part(self, name: str) -> TextPart:
        paths = part(self.folder, name)
        return TextPart(str(paths[0]), sum(map(count_records, paths)), partial(self._entries, name))

    def _entries(self, name: str) -> Iterator[Entry]:
        ids, texts = KEYS[name]
        for record in _records(self.folder, name):
            value: Any = record.value if isinstance(record.value, dict) else {}
            identifier, text = first_key(value, ids), first_key(value, texts)
            if identifier is None or text is None or not isinstance(value[text], str):
                raise DistillirError(
                    "no id or no text here", where=record.where, remedy=f"expected are {ids[0]!r} and {texts[0]!r}"
                )
            yield Entry(record.number, read_id(value[identifier], record.where, name), value[text])


def _texts(source: Path, settings: Settings) -> Source | None:
    return PylateTexts(source) if part(source, "queries") and part(source, "documents") else None


def _recognises(glance: Glance) -> bool:
    if glance.path.is_dir():
        return bool(part(glance.path, "train") and part(glance.path, "queries"))
    record = glance.record
    return (
        glance.path.suffix != ".parquet" and isinstance(record, dict) and {"query_id", "document_ids"} <= record.keys()
    )


FORMAT = Format(
    name="pylate-lists",
    description="PyLate's data sets: query_id, document_ids, scores; a folder with train, queries and documents",
    expected='{"query_id": "1", "document_ids": ["7", "12"], "scores": [9.1, 2.5]}',
    recognises=_recognises,
    read=_read,
    texts=_texts,
    count=lambda source: sum(map(count_records, part(source, "train") or [source])),
    keys=frozenset({"query_id", "document_ids", "scores"}),
)
