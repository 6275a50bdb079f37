"""Texts from a file of any form that is read: JSON lines, tables, Parquet."""

from pathlib import Path

from distillir.base.compressed import open_binary, plain_name
from distillir.base.errors import DistillirError
from distillir.collections.arrow_records import count_arrow_rows
from distillir.collections.file_forms import SUFFIXES, FileForm, form_of, is_readable, refuse_by_name
from distillir.collections.key_names import TITLES, Kind
from distillir.collections.record_texts import RecordTexts
from distillir.collections.source import TextPart
from distillir.collections.table_texts import TableTexts
from distillir.collections.text_keys import first_named

BLOCK = 1 << 20


def count_lines(path: Path) -> int:
    """Number of newlines of a file (compressed or not), for a progress bar; 0 where it cannot be read."""
    try:
        with open_binary(path) as stream:
            return sum(block.count(b"\n") for block in iter(lambda: stream.read(BLOCK), b""))
    except (OSError, EOFError, DistillirError):
        return 0


def text_part(path: Path, kind: Kind, split: str | None = None) -> TextPart:
    """The texts of a file, by the form its name tells, each also compressed.

    Args:
        path: ``.jsonl``, ``.json``, ``.tsv``, ``.txt``, ``.csv``, ``.parquet`` or ``.arrow``.
        kind: Whether it holds documents or queries.
        split: Of queries, the split they belong to.

    Raises:
        DistillirError: The form is unknown, or the columns of a table cannot be told.
    """
    refuse_by_name(path)
    if not is_readable(path):
        raise DistillirError(
            "cannot tell the form of this file",
            where=path,
            remedy="name it .jsonl (one object a line: _id, text, title), .tsv (id, tab, text), .csv or .parquet, "
            "compressed or not",
        )
    form, records = form_of(path)
    if records is None:
        table = TableTexts(path, kind)
        return TextPart(str(path), table.count, table.read, split, table.notes)
    texts = RecordTexts(str(path), records, kind)
    count = count_lines(path) if form is FileForm.JSON else count_arrow_rows(path)
    return TextPart(str(path), count, texts.read, split, texts.notes)


def reading_mark(path: Path, kind: Kind) -> str:
    """A mark for a fingerprint, where a file is read in another way than in earlier imports that the cache may hold.

    Tables were read line by line before, and JSON lines had no titles but ``title``. Empty for files read as before.
    """
    if plain_name(path).suffix.lower() not in SUFFIXES:
        return ""
    form, records = form_of(path)
    if form is FileForm.TABLE:
        return "columns by file"
    try:
        _, first = next(records(), (0, {})) if records is not None and form is FileForm.JSON else (0, {})
    except DistillirError:
        return ""  # said when it is read
    title = first_named(list(first), TITLES)
    return f"title {title}" if title not in (None, "title") else ""
