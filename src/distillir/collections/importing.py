"""Importing a source into the folder that `Collection` opens, in one pass and in little memory."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from distillir.base.errors import DistillirError
from distillir.base.files import write_json
from distillir.base.progress import progress, say
from distillir.collections.qrels_import import write_qrels
from distillir.collections.source import Entry, Source, TextPart
from distillir.collections.table import TextTable
from distillir.collections.table_form import id_hash
from distillir.collections.table_writer import DuplicateIdError, TableWriter

CHUNK = 50_000
SENTENCE = 5  # words that no id has, but a sentence


@dataclass(frozen=True)
class ImportOptions:
    """Options of an import: the treatment of texts and judgements that cannot be used, and the splits.

    Attributes:
        empty: ``skip`` leaves out texts that say nothing, and their judgements; ``error`` refuses them.
        unknown: ``skip`` leaves out judgements of texts that the collection does not have; ``error`` refuses them.
        splits: The splits to import; None for all.
    """

    empty: Literal["error", "skip"] = "error"
    unknown: Literal["error", "skip"] = "error"
    splits: tuple[str, ...] | None = None

    def wants(self, split: str) -> bool:
        """Tell whether a split is to be imported."""
        return self.splits is None or split in self.splits


def import_source(source: Source, folder: Path, options: ImportOptions) -> None:
    """Write a source as an imported collection.

    Args:
        source: What to import.
        folder: An existing empty folder; the caller makes it appear atomically.
        options: What to do with unusable texts and judgements.

    Raises:
        DistillirError: The source is malformed; the message names the file and the line.
    """
    judgements = [part for part in source.judgements() if options.wants(part.split)]
    parts = [part for part in source.queries() if part.split is None or options.wants(part.split)]
    found = {part.split for part in judgements} | {part.split for part in parts}
    if missing := [split for split in options.splits or () if split not in found]:
        raise DistillirError(f"no split {missing[0]!r}", where=source.origin, remedy="leave splits out to see them all")
    for note in source.notes():
        say(note)
    documents = source.documents()
    documents = [documents] if isinstance(documents, TextPart) else documents
    corpus, skipped_documents = _import_texts(documents, folder / "corpus", "document", options)
    queries, skipped_queries = _import_texts(parts, folder / "queries", "query", options)
    rows_by_split = _query_rows(parts, queries)
    if rows_by_split:
        (folder / "query_rows").mkdir()
    for split, rows in rows_by_split.items():
        np.save(folder / "query_rows" / f"{split}.npy", rows)
    counts = write_qrels(
        judgements,
        folder / "qrels",
        queries=queries,
        corpus=corpus,
        skipped=(skipped_queries, skipped_documents),
        skip_unknown=options.unknown == "skip",
        also=list(rows_by_split),
    )
    order = {"train": 0, "dev": 1, "test": 2}
    splits = sorted(counts, key=lambda split: (order.get(split, 3), split))
    write_json(folder / "info.json", {"name": source.name, "source": source.origin, "splits": splits})
    judged = ", ".join(f"{split} {counts[split]:,}" for split in splits) or "none"
    say(f"imported {source.name}: {len(corpus):,} documents, {len(queries):,} queries, judgements: {judged}")


def _import_texts(
    parts: Sequence[TextPart], folder: Path, kind: str, options: ImportOptions
) -> tuple[TextTable, set[str]]:
    """Write the texts of all parts as one table; returns it and the ids that were left out as empty."""
    folder.mkdir()
    writer = TableWriter(folder, kind)
    skipped: set[str] = set()
    with progress(f"import {kind} texts", sum(part.count for part in parts)) as advance:
        done, sentences, example = 0, 0, ""
        for done, (_, entry) in enumerate(_accepted(parts, kind, options, skipped), start=1):
            writer.add(entry.id, entry.text, entry.title)
            if entry.id.count(" ") >= SENTENCE - 1:
                sentences, example = sentences + 1, example or entry.id[:80]
            if done % 1000 == 0:
                advance(1000)
        advance(done % 1000)
    try:
        writer.close()
    except DuplicateIdError as error:
        _name_both_lines(error, parts, kind, options)
    if not done and parts:
        raise DistillirError(f"no {kind} texts", where=", ".join(part.place for part in parts) or None)
    for note in (note for part in parts for note in part.notes()):
        say(note)
    if skipped:
        say(f"left out {len(skipped):,} empty {kind} texts (empty: skip)")
    if 2 * sentences > done:
        say(
            f"{sentences:,} of {done:,} ids of {kind} texts are of {SENTENCE} words or more, as {example!r}: "
            "see that they are ids, not texts"
        )
    return TextTable(folder), skipped


def _accepted(
    parts: Sequence[TextPart], kind: str, options: ImportOptions, skipped: set[str]
) -> Iterator[tuple[TextPart, Entry]]:
    """The texts that become rows, in order, with the part each is from.

    A query that an earlier part has with the same text (MS MARCO's ``dev`` and ``dev.small``) is one row.
    """
    earlier: dict[int, int] = {}  # hashes of id and text, of queries in several parts only: never of a corpus
    for index, part in enumerate(parts):
        current: dict[int, int] = {}
        for entry in part.read():
            if not entry.id:
                where = f"{part.place}:{entry.line}"
                raise DistillirError(f"a {kind} with an empty id", where=where, remedy="give every text an id")
            if not (entry.text.isascii() and entry.title.isascii() and entry.id.isascii()):
                entry = _valid_unicode(entry, kind, part.place)
            if not entry.text.strip() and not entry.title.strip():
                if options.empty == "skip":
                    skipped.add(entry.id)
                    continue
                raise DistillirError(
                    f"{kind} {entry.id!r} has no text",
                    where=f"{part.place}:{entry.line}",
                    remedy="remove it, or write collection: {path: ..., empty: skip} to leave such texts out",
                )
            if len(parts) > 1 and kind == "query":
                key, content = id_hash(entry.id), id_hash(entry.text)
                if earlier.get(key) == content:
                    continue
                if index < len(parts) - 1:
                    current[key] = content
            yield part, entry
        earlier.update(current)


def _valid_unicode(entry: Entry, kind: str, place: str) -> Entry:
    """Refuse half of a surrogate pair, which JSON can hold, in an id; replace it by U+FFFD in a text."""
    try:
        entry.id.encode()
    except UnicodeEncodeError:
        raise DistillirError(
            f"{kind} id {entry.id!a} is not valid Unicode",
            where=f"{place}:{entry.line}",
            remedy="remove the lone surrogate",
        ) from None
    text, title = (cell.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for cell in entry[2:])
    return entry._replace(text=text, title=title)


def _name_both_lines(error: DuplicateIdError, parts: Sequence[TextPart], kind: str, options: ImportOptions) -> None:
    """Read the source once more, up to the second of two equal ids, to say where both stand."""
    first, second = error.rows
    places = [
        f"{part.place}:{entry.line}"
        for row, (part, entry) in enumerate(itertools.islice(_accepted(parts, kind, options, set()), second + 1))
        if row in (first, second)
    ]
    raise DistillirError(
        f"{kind} id {error.identifier!r} occurs twice, first at {places[0]}",
        where=places[1],
        remedy="give every text an id of its own",
    ) from None


def _query_rows(parts: Sequence[TextPart], queries: TextTable) -> dict[str, npt.NDArray[np.int64]]:
    """Rows of the queries of each split, for parts that name a split."""
    found: dict[str, list[npt.NDArray[np.int64]]] = {}
    for part in parts:
        if part.split is not None:
            ids = (entry.id for entry in part.read())
            for chunk in _batched(ids):
                found.setdefault(part.split, []).append(queries.rows(chunk))
    return {split: np.unique(rows[rows >= 0]) for split, lists in found.items() for rows in [np.concatenate(lists)]}


def _batched(ids: Iterator[str]) -> Iterator[tuple[str, ...]]:
    while chunk := tuple(itertools.islice(ids, CHUNK)):
        yield chunk
