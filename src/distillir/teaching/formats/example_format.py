"""A format whose file is a stream of training examples: conversion to lists and to a collection's texts."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.teaching.formats.example import Candidate, Example, without_empty
from distillir.teaching.formats.example_texts import ExampleTexts, Reader, document_id, query_id, query_text
from distillir.teaching.formats.format import Format, Glance, Settings
from distillir.teaching.formats.lists import IdList, RowList, to_rows
from distillir.teaching.formats.margins import merge_margins
from distillir.teaching.formats.merge import merge_queries
from distillir.teaching.formats.records import Record, count_records, read_records
from distillir.teaching.formats.text_rows import CollectionTexts
from distillir.teaching.teaching_set import TeachingSet

Lists = Iterator[IdList]


def example_format(
    *,
    name: str,
    description: str,
    expected: str,
    keys: frozenset[str],
    recognises: Callable[[Glance], bool],
    example: Callable[[Mapping[str, Any], str], Example],
    write: Callable[[TeachingSet, Collection, Path], None] | None = None,
    merge: bool = False,
    columns: tuple[str, ...] = (),
) -> Format:
    """A format by the function that reads one record.

    Args:
        name: See `Format`, as for all others that are not named here.
        description: See `Format`.
        expected: See `Format`.
        keys: See `Format`.
        recognises: See `Format`.
        example: ``(record, place)`` -> the example.
        write: See `Format`.
        merge: Whether a query's records, which are parts of one list (pairs, triplets), are put together; those
            whose scores are margins have a list for each positive.
        columns: Where a record may be a list of texts: the keys they stand for; the last one's number is open.
    """
    reader = partial(read_example, example)

    def records(source: Path) -> Iterator[Record]:
        return (with_keys(record, columns) if columns else record for record in read_records(source))

    def read(source: Path, collection: Collection, given: Settings) -> Iterator[RowList]:
        lists = _Lists(reader, collection, given, merge).of(records(source))
        return to_rows(lists, str(source), collection, given.unknown)

    def texts(source: Path, given: Settings) -> ExampleTexts | None:
        first = next(records(source), None)
        if first is None:
            raise DistillirError("holds no training example", where=source)
        return ExampleTexts(source, records, reader, given) if _has_texts(reader(first)) else None

    return Format(
        name=name,
        description=description,
        expected=expected,
        recognises=recognises,
        read=read,
        texts=texts,
        write=write,
        count=count_records,
        keys=keys,
    )


def read_example(example: Callable[[Mapping[str, Any], str], Example], record: Record) -> Example:
    """Read the example of a record.

    Raises:
        DistillirError: The record is no object, or ``example`` refuses it.
    """
    if not isinstance(record.value, dict):
        raise DistillirError(
            f"a JSON {type(record.value).__name__} where an object is expected",
            where=record.where,
            remedy="each record is one JSON object",
        )
    return example(record.value, record.where)


def with_keys(record: Record, columns: tuple[str, ...]) -> Record:
    """Give each text of a record that is a list a key; further texts are numbered after the last key."""
    if not isinstance(record.value, list):
        return record
    keys = [*columns[:-1], *(f"{columns[-1]}_{number}" for number in range(1, len(record.value)))]
    return record._replace(value=dict(zip(keys, record.value, strict=False)))


def _has_texts(example: Example) -> bool:
    return example.query is not None and all(one.text is not None for one in example.candidates)


class _Lists:
    """Lists of ids of the examples, each empty text refused or left out."""

    def __init__(self, reader: Reader, collection: Collection, settings: Settings, merge: bool) -> None:
        self.reader, self.settings, self.tally, self.merge = reader, settings, settings.tally, merge
        self.known = None if settings.own_texts else CollectionTexts(collection, settings.tally)

    def of(self, records: Iterator[Record]) -> Lists:
        """Make the lists: margins are merged by their positive, others by their query if asked for."""
        margins: list[IdList] = []
        others = self._others(records, margins)
        yield from merge_queries(others, self.tally) if self.merge else others
        yield from merge_margins(margins, self.tally)

    def _others(self, records: Iterator[Record], margins: list[IdList]) -> Lists:
        """Lists without margins; those with margins are put into ``margins``."""
        for record in records:
            example = self.reader(record)
            self._account(record, example)
            entry = self._list(record, example)
            if entry is not None and example.margins:
                margins.append(entry)
            elif entry is not None:
                yield entry

    def _account(self, record: Record, example: Example) -> None:
        if example.prompt is not None:
            self.tally.prompts[example.prompt] += 1
        self.tally.record(record.value, example.read, example.passed)
        for note in example.notes:
            self.tally.note(note)

    def _list(self, record: Record, example: Example) -> IdList | None:
        kept = without_empty(example, record.where, self.settings.skip_empty)
        left_out = len(example.candidates) - len(kept.candidates) if kept is not None else 1
        self.tally.note("left out {} empty texts, or lists whose query is empty (--skip-empty)", left_out)
        if kept is None or not kept.candidates:
            return None
        scores = [one.score for one in kept.candidates]
        if any(score is None for score in scores) and any(score is not None for score in scores):
            raise DistillirError(
                "some candidates have scores and some not", where=record.where, remedy="give scores to all or to none"
            )
        given = None if scores[0] is None else [score for score in scores if score is not None]
        flags = [kept.judged] * len(kept.positives) + [False] * len(kept.others)
        query, documents = self._ids(kept)
        return IdList(record.number, query, documents, given, flags, record.where)

    def _ids(self, example: Example) -> tuple[str, list[str]]:
        if self.known is None:
            return query_id(example, self.settings), [document_id(one) for one in example.candidates]
        text = query_text(example, self.settings)
        query = self.known.query(example.query_id, text)
        return query, [self.known.document(one.id, _whole(one)) for one in example.candidates]


def _whole(one: Candidate) -> str | None:
    return None if one.text is None else f"{one.title} {one.text}".strip()
