"""A collection in an SQLite database.

Tables: documents (id, text), queries (id, text), judgements (query, document, grade, split).

python collection.py FOLDER FILE.db      # makes one of a BEIR folder, to try it with
"""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from distillir.base.errors import DistillirError
from distillir.base.files import file_state
from distillir.collections.importing import ImportOptions
from distillir.collections.kind import CollectionKind
from distillir.collections.source import Entry, Judgement, QrelsPart, Source, TextPart
from distillir.specs.part import Options, Word


class DatabaseSpec(Options):
    """Options as a recipe writes them."""

    file: Word = Field(description="the database")


class DatabaseSource(Source):
    """What is read of a database; rows are streamed, so that a corpus need not fit into memory."""

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise DistillirError("no such file", where=file, remedy="check the path")
        self.file, self.name, self.origin = file, file.stem, str(file)

    def identity(self) -> str:
        """Path, size and times: a changed file is imported anew."""
        return f"{self.file.resolve()} {file_state(self.file)}"

    def documents(self) -> TextPart:
        """The corpus."""
        return self._texts("documents")

    def queries(self) -> list[TextPart]:
        """All queries; which split each belongs to, the judgements say."""
        return [self._texts("queries")]

    def judgements(self) -> list[QrelsPart]:
        """The judgements, one part a split."""
        splits = [name for (name,) in self._rows("SELECT DISTINCT split FROM judgements ORDER BY split")]
        return [QrelsPart(f"{self.file}: judgements", split, partial(self._judgements, split)) for split in splits]

    def _texts(self, table: str) -> TextPart:
        [(count,)] = self._rows(f"SELECT count(*) FROM {table}")
        return TextPart(f"{self.file}: {table}", count, partial(self._entries, table))

    def _entries(self, table: str) -> Iterator[Entry]:
        for row, identifier, text in self._rows(f"SELECT rowid, id, text FROM {table} ORDER BY rowid"):
            yield Entry(row, identifier, text)

    def _judgements(self, split: str) -> Iterator[Judgement]:
        asked = "SELECT rowid, query, document, grade FROM judgements WHERE split = ? ORDER BY rowid"
        for row, query, document, grade in self._rows(asked, split):
            yield Judgement(row, query, document, grade)

    def _rows(self, asked: str, *values: str) -> Iterator[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.file)) as database:
            yield from database.execute(asked, values)


def open_database(options: DatabaseSpec, imported: ImportOptions) -> Source:
    """The source that a recipe's options name."""
    return DatabaseSource(Path(options.file))


COLLECTION = CollectionKind("sqlite", "an SQLite database", DatabaseSpec, "file", open=open_database)


def make_database(folder: Path, file: Path) -> None:
    """Write a BEIR folder as such a database."""
    with closing(sqlite3.connect(file)) as database, database:
        for table, name in (("documents", "corpus"), ("queries", "queries")):
            database.execute(f"CREATE TABLE {table} (id TEXT, text TEXT)")
            lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
            texts = [(line["_id"], f"{line.get('title', '')} {line['text']}".strip()) for line in lines]
            database.executemany(f"INSERT INTO {table} VALUES (?, ?)", texts)
        database.execute("CREATE TABLE judgements (query TEXT, document TEXT, grade INTEGER, split TEXT)")
        for qrels in sorted((folder / "qrels").glob("*.tsv")):
            rows = [line.split("\t") for line in qrels.read_text(encoding="utf-8").splitlines()[1:]]
            judged = [(query, document, int(grade), qrels.stem) for query, document, grade in rows]
            database.executemany("INSERT INTO judgements VALUES (?, ?, ?, ?)", judged)


if __name__ == "__main__":
    make_database(Path(sys.argv[1]), Path(sys.argv[2]))
