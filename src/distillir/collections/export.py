"""Writing collections in the forms that other tools read: BEIR, TREC judgements, MS MARCO."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, atomic_file
from distillir.collections.collection import Collection
from distillir.collections.table import TextTable
from distillir.collections.table_form import ROWS_PER_BATCH
from distillir.collections.trec_ids import encode_id

BEIR_NAMES = re.compile(r"corpus\.jsonl|queries\.jsonl|qrels")
MSMARCO_NAMES = re.compile(r"collection\.tsv|queries\.tsv|qrels\..+\.tsv")


def write_beir(collection: Collection, folder: Path) -> None:
    """Write a BEIR folder: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/<split>.tsv``.

    Importing it again gives the same fingerprint and the same judgements.

    Args:
        collection: What to write.
        folder: Created; an earlier export there is replaced.

    Raises:
        DistillirError: The folder holds other files, or an id with a tab or a line break is judged.
    """
    _refuse_other_files(folder, BEIR_NAMES)
    with atomic_directory(folder) as temporary:
        for name, table in (("corpus", collection.corpus), ("queries", collection.queries)):
            with (temporary / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as stream:
                for identifier, title, text in _rows(table):
                    # Queries have titles only where a source gave them some.
                    titled = {"title": title} if title or name == "corpus" else {}
                    stream.write(json.dumps({"_id": identifier, **titled, "text": text}, ensure_ascii=False) + "\n")
        (temporary / "qrels").mkdir()
        for split in collection.splits:
            file = temporary / "qrels" / f"{split}.tsv"
            with file.open("w", encoding="utf-8", newline="\n") as stream:
                stream.write("query-id\tcorpus-id\tscore\n")
                for query, document, grade in _judgements(collection, split):
                    stream.write(f"{_one_cell(query)}\t{_one_cell(document)}\t{grade}\n")


def write_qrels_trec(collection: Collection, split: str, path: Path) -> None:
    """Write the judgements of a split as TREC has them: ``query 0 document grade``.

    White space and ``%`` in ids are percent-encoded, as in run files (`distillir.collections.trec_ids.encode_id`).

    Raises:
        DistillirError: The collection has no such split.
    """
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for query, document, grade in _judgements(collection, split):
            stream.write(f"{encode_id(query)} 0 {encode_id(document)} {grade}\n")


def write_msmarco(collection: Collection, folder: Path) -> None:
    """Write an MS MARCO folder: ``collection.tsv``, ``queries.tsv`` and ``qrels.<split>.tsv`` (TREC's four columns).

    Title and text become one cell; tabs and line breaks in texts, which the form cannot hold, become spaces.

    Args:
        collection: What to write.
        folder: Created; an earlier export there is replaced.

    Raises:
        DistillirError: The folder holds other files, or an id has a tab or a line break.
    """
    _refuse_other_files(folder, MSMARCO_NAMES)
    with atomic_directory(folder) as temporary:
        for name, table in (("collection", collection.corpus), ("queries", collection.queries)):
            with (temporary / f"{name}.tsv").open("w", encoding="utf-8", newline="\n") as stream:
                for identifier, title, text in _rows(table):
                    cell = re.sub(r"[\t\r\n]", " ", f"{title} {text}".strip())
                    stream.write(f"{_one_cell(identifier)}\t{cell}\n")
        for split in collection.splits:
            write_qrels_trec(collection, split, temporary / f"qrels.{split}.tsv")


def _rows(table: TextTable) -> Iterator[tuple[str, str, str]]:
    for start in range(0, len(table), ROWS_PER_BATCH):
        rows = range(start, min(start + ROWS_PER_BATCH, len(table)))
        yield from zip(table.ids(rows), table.titles(rows), table.bodies(rows), strict=True)


def _judgements(collection: Collection, split: str) -> Iterator[tuple[str, str, int]]:
    qrels = collection.qrels(split)
    for query, document, grade in zip(qrels.queries, qrels.documents, qrels.grades, strict=True):
        yield collection.queries.id(query), collection.corpus.id(document), int(grade)


def _one_cell(identifier: str) -> str:
    if re.search(r"[\t\r\n]", identifier):
        raise DistillirError(
            f"id {identifier!r} holds a tab or a line break, which this form cannot hold",
            remedy="rename it, or write judgements in TREC form, where such ids are encoded",
        )
    return identifier


def _refuse_other_files(folder: Path, ours: re.Pattern[str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise DistillirError("is a file where a folder is to be written", where=folder, remedy="choose another path")
    if folder.is_dir() and (others := sorted(f.name for f in folder.iterdir() if not ours.fullmatch(f.name))):
        raise DistillirError(
            f"holds other files ({others[0]}), which an export would remove", where=folder, remedy="choose a new folder"
        )
