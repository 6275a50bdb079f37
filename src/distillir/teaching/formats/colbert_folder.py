"""The folder ColBERT trains from: passages and queries by number, and the ids the numbers stand for."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, read_lines
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.collections.source import Entry, QrelsPart, Source, TextPart
from distillir.collections.text_files import count_lines
from distillir.teaching.formats.values import is_plain, tsv_cell, write_scores
from distillir.teaching.negatives import Negatives
from distillir.teaching.teaching_set import TeachingSet


def examples_file(source: Path) -> Path:
    """The file of lists: ``source`` itself, or ``examples.json`` in it."""
    return source / "examples.json" if source.is_dir() else source


class Numbering:
    """Ids by number; without a table the number is the id."""

    def __init__(self, ids: Sequence[str] | None, file: Path) -> None:
        self._ids, self._file = ids, file

    def get(self, number: str, where: str) -> str:
        """The id a number stands for.

        Raises:
            DistillirError: The table does not have it.
        """
        if self._ids is None:
            return number
        if not number.isdigit() or int(number) >= len(self._ids):
            raise DistillirError(f"{number!r} is not a number in {self._file.name}", where=where)
        return self._ids[int(number)]


def read_numbering(file: Path) -> Numbering:
    """Read ``number, tab, id`` lines that count from 0; a file that is missing is no numbering."""
    if not file.is_file():
        return Numbering(None, file)
    ids = []
    for line_number, line in read_lines(file):
        number, tab, identifier = line.partition("\t")
        if not tab or number != str(line_number - 1):
            raise DistillirError(f"expected {line_number - 1}, a tab and an id", where=f"{file}:{line_number}")
        ids.append(identifier)
    return Numbering(ids, file)


class ColbertTexts(Source):
    """The texts of a ColBERT folder as a collection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name, self.origin = folder.resolve().name, str(folder)

    def identity(self) -> str:
        """The folder's path."""
        return str(self.folder.resolve())

    def documents(self) -> TextPart:
        """``collection.tsv``: pid, passage, perhaps a title."""
        return self._part("collection.tsv", "document_ids.tsv")

    def queries(self) -> list[TextPart]:
        """``queries.tsv``: qid, query."""
        return [self._part("queries.tsv", "query_ids.tsv")]

    def judgements(self) -> list[QrelsPart]:
        """None."""
        return []

    def _part(self, name: str, numbering: str) -> TextPart:
        file = self.folder / name
        return TextPart(str(file), count_lines(file), partial(_entries, file, self.folder / numbering))


def _entries(file: Path, numbering: Path) -> Iterator[Entry]:
    ids = read_numbering(numbering)
    for number, line in read_lines(file):
        cells = line.split("\t")
        if number == 1 and cells[0] == "id":
            continue
        if len(cells) not in (2, 3):
            raise DistillirError(
                f"{len(cells)} tab-separated columns", where=f"{file}:{number}", remedy="expected id and text"
            )
        yield Entry(number, ids.get(cells[0], f"{file}:{number}"), cells[1], cells[2] if len(cells) == 3 else "")


def write_folder(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    """Write a folder that ColBERT trains from; see `distillir.teaching.formats.colbert`.

    Relevant candidates come first, since ColBERT takes the first of a list for the positive; the others keep their
    order. Without scores ColBERT takes all others for negatives: then each relevant candidate has a line of its own,
    without the other relevant ones and without copies of any. All documents of the collection are written, and the
    queries of the set; tabs and line breaks in texts become spaces.
    """
    allowed = Negatives(teaching_set, collection)
    if teaching_set.has_scores and any(teaching_set.relevant(i).any() for i in range(len(teaching_set))):
        say("ColBERT's lines with scores do not say what is relevant: relevant candidates stand first, and that is all")
    with atomic_directory(path) as folder:
        _write_documents(collection, folder)
        rows = np.unique(teaching_set.queries)
        # ColBERT's qids are integers: our ids where they are, else the query's row.
        plain = all(i.isascii() and i.isdigit() and is_plain(i) for i in collection.queries.ids(rows))
        with (folder / "queries.tsv").open("w", encoding="utf-8", newline="\n") as stream:
            for row in rows:
                number = collection.queries.id(row) if plain else str(row)
                stream.write(f"{number}\t{_one_line(collection.queries.text(row))}\n")
        if not plain:
            with (folder / "query_ids.tsv").open("w", encoding="utf-8", newline="\n") as stream:
                for row, identifier in enumerate(collection.queries.ids()):
                    stream.write(f"{row}\t{tsv_cell(identifier, 'query', path)}\n")
        with (folder / "examples.json").open("w", encoding="utf-8", newline="\n") as stream:
            for index, query in enumerate(teaching_set.queries):
                relevant, documents = teaching_set.relevant(index), teaching_set.documents(index)
                qid = int(collection.queries.id(int(query))) if plain else int(query)
                if not teaching_set.has_scores and relevant.any():
                    negatives = documents[allowed.of(index, relevant)].tolist()
                    for positive in documents[relevant].tolist():
                        stream.write(json.dumps([qid, positive, *negatives]) + "\n")
                    continue
                order = np.argsort(~relevant, kind="stable")
                candidates = documents[order].tolist()
                if teaching_set.has_scores:
                    candidates = list(zip(candidates, write_scores(teaching_set.scores(index)[order]), strict=True))
                stream.write(json.dumps([qid, *candidates]) + "\n")
        allowed.say()


def _write_documents(collection: Collection, folder: Path) -> None:
    """``collection.tsv``, and ``document_ids.tsv`` where an id is not its row."""
    numbered = True
    row = 0
    with (
        (folder / "collection.tsv").open("w", encoding="utf-8", newline="\n") as texts,
        (folder / "document_ids.tsv").open("w", encoding="utf-8", newline="\n") as ids,
    ):
        for batch in collection.corpus.iterate():
            for text, identifier in zip(batch, collection.corpus.ids(range(row, row + len(batch))), strict=True):
                texts.write(f"{row}\t{_one_line(text)}\n")
                ids.write(f"{row}\t{tsv_cell(identifier, 'document', folder)}\n")
                numbered = numbered and identifier == str(row)
                row += 1
    if numbered:
        (folder / "document_ids.tsv").unlink()


def _one_line(text: str) -> str:
    return " ".join(text.split())
