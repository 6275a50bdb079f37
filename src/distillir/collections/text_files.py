"""Texts from a file: JSON lines (BEIR) and tab-separated values (MS MARCO), plain or gzipped."""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from distillir.collections.source import Entry
from distillir.errors import DistillirError
from distillir.files import read_jsonl, read_lines

BLOCK = 1 << 20


def count_lines(path: Path) -> int:
    """Number of newlines of a file (gzipped by its suffix), for a progress bar; 0 where it cannot be read."""
    try:
        with cast(IO[bytes], gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")) as stream:
            return sum(block.count(b"\n") for block in iter(lambda: stream.read(BLOCK), b""))
    except (OSError, EOFError):
        return 0


def read_texts(path: Path) -> Iterator[Entry]:
    """Yield the texts of a file by the form its name tells: ``.jsonl`` or ``.tsv``, each also with ``.gz``.

    Raises:
        DistillirError: The form is unknown, or a line is malformed; the message names file and line.
    """
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix in {".jsonl", ".json", ".ndjson"}:
        return (to_entry(value, f"{path}:{number}", number) for number, value in read_jsonl(path))
    if suffix in {".tsv", ".txt"}:
        return _read_tsv(path)
    raise DistillirError(
        "cannot tell the form of this file",
        where=path,
        remedy="name it .jsonl (one object a line: _id, text, title) or .tsv (id, tab, text), or either with .gz",
    )


def to_entry(value: Mapping[str, Any], where: str, number: int) -> Entry:
    """Make an `Entry` of a BEIR object: ``_id`` (or ``id``), ``text``, and ``title`` where there is one.

    Args:
        value: The object.
        where: Its place, for the message of an error.
        number: Its line or row, from 1.

    Raises:
        DistillirError: A field is missing or is of another type.
    """
    identifier = value.get("_id", value.get("id"))
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        identifier = str(identifier)
    text, title = value.get("text"), value.get("title")
    for name, field in (("_id", identifier), ("text", text), ("title", "" if title is None else title)):
        if field is None:
            raise DistillirError(
                f"no {name!r}", where=where, remedy=f'write {{"_id": "...", "text": "..."}} with a text under "{name}"'
            )
        if not isinstance(field, str):
            raise DistillirError(f"{name!r} is a {type(field).__name__}, not a text", where=where)
    return Entry(number, cast(str, identifier), cast(str, text), title or "")


def _read_tsv(path: Path) -> Iterator[Entry]:
    """``id, text`` (MS MARCO passages, queries) or ``id, url, title, body`` (MS MARCO documents), tab-separated."""
    for number, line in read_lines(path):
        cells = line.split("\t")
        if len(cells) == 2:
            yield Entry(number, cells[0], cells[1])
        elif len(cells) == 4:
            yield Entry(number, cells[0], cells[3], cells[2])
        elif line.strip():
            raise DistillirError(
                f"{len(cells)} tab-separated columns",
                where=f"{path}:{number}",
                remedy="expected id and text (2 columns), or id, url, title and body (4); texts with tabs need .jsonl",
            )
