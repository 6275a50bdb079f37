"""ColBERT's n-way training file: a line ``[qid, [pid, score], ...]``, or ``[qid, pid, pid, ...]`` without scores.

ColBERT finds passages by their line number in ``collection.tsv`` and queries by an integer, so an export is a folder:
``examples.json`` (one JSON list a line, ColBERT's name for it), ``collection.tsv``, ``queries.tsv``, and, where our ids
are not those numbers, ``document_ids.tsv`` and ``query_ids.tsv`` (number, tab, id), which an import reads back.
Source of the form: stanford-futuredata/ColBERT, colbert/data/examples.py and colbert/training/lazy_batcher.py.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.source import Source
from distillir.teaching.formats.colbert_folder import ColbertTexts, examples_file, read_numbering, write_folder
from distillir.teaching.formats.example import TEXT_SCORES
from distillir.teaching.formats.format import Format, Glance, Settings
from distillir.teaching.formats.lists import IdList, RowList, to_rows
from distillir.teaching.formats.records import count_records, read_records
from distillir.teaching.formats.tally import ImportTally
from distillir.teaching.formats.values import read_id, read_score


def _read(source: Path, collection: Collection, settings: Settings) -> Iterator[RowList]:
    lists = read_examples(source, settings.tally)
    return to_rows(lists, str(examples_file(source)), collection, settings.unknown)


def read_examples(source: Path, tally: ImportTally) -> Iterator[IdList]:
    """Yield the lists of an examples file, with the ids of the tables beside it where there are such."""
    file = examples_file(source)
    queries = read_numbering(file.parent / "query_ids.tsv")
    documents = read_numbering(file.parent / "document_ids.tsv")
    for number, where, values in read_records(file):
        if not isinstance(values, list) or len(values) < 2:
            raise DistillirError(
                "no list of a query and its candidates", where=where, remedy="a line is [qid, [pid, score], ...]"
            )
        query = queries.get(read_id(values[0], where, "query"), where)
        scored = [isinstance(value, list) for value in values[1:]]
        if all(scored):
            pairs = [_pair(value, where) for value in values[1:]]
            tally.note(TEXT_SCORES, any(isinstance(value[1], str) for value in values[1:]))
            ids = [documents.get(identifier, where) for identifier, _ in pairs]
            yield IdList(number, query, ids, [score for _, score in pairs], None, where)
        elif not any(scored):
            ids = [documents.get(read_id(value, where, "document"), where) for value in values[1:]]
            # Without scores ColBERT trains on the first against the others: it is the positive.
            yield IdList(number, query, ids, None, [i == 0 for i in range(len(ids))], where)
        else:
            raise DistillirError("some candidates have scores and some not", where=where)


def _pair(value: Any, where: str) -> tuple[str, float]:
    if len(value) != 2:
        raise DistillirError(f"{value!r} is no pair", where=where, remedy="write [pid, score]")
    return read_id(value[0], where, "document"), read_score(value[1], where)


def _recognises(glance: Glance) -> bool:
    if glance.path.is_dir():
        return (glance.path / "examples.json").is_file()
    record = glance.record
    if not isinstance(record, list) or len(record) < 2 or isinstance(record[0], list | dict):
        return False
    # A line of texts with spaces is a pair or triplet of sentence-transformers.
    return not all(isinstance(value, str) for value in record) or not any(" " in value.strip() for value in record)


def _texts(source: Path, settings: Settings) -> Source | None:
    folder = examples_file(source).parent
    if (folder / "collection.tsv").is_file() and (folder / "queries.tsv").is_file():
        return ColbertTexts(folder)
    return None


FORMAT = Format(
    name="colbert",
    description="ColBERT n-way jsonl, [qid, [pid, score], ...] a line, with collection.tsv and queries.tsv beside it",
    expected="[qid, [pid, score], [pid, score]], or [qid, pid, pid] without scores",
    recognises=_recognises,
    read=_read,
    texts=_texts,
    write=write_folder,
    count=lambda source: count_records(examples_file(source)),
)
