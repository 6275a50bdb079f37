"""The format of a file, told by its name, first line and first record; the nearest one of an unknown file."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from distillir.errors import DistillirError
from distillir.files import read_lines
from distillir.teaching.formats.format import Format, Glance
from distillir.teaching.formats.records import read_records
from distillir.teaching.formats.values import is_number

SHOWN = 80  # characters of a line in a message


def glance(source: Path) -> Glance:
    """Look at a file's first line and first record."""
    line, record = "", None
    if source.is_file() and source.suffix != ".parquet":
        try:
            line = next((line for _, line in read_lines(source) if line.strip()), "")
        except DistillirError:
            return Glance(source, "", None)
    if not line or line.lstrip().startswith(("{", "[")):
        try:
            record = next((found.value for found in read_records(source)), None)
        except DistillirError:
            record = None
    return Glance(source, line, record)


def fitting(source: Path, formats: Sequence[Format]) -> list[Format]:
    """The formats that recognise a source."""
    seen = glance(source)
    return [form for form in formats if form.recognises(seen)]


def refuse(source: Path, found: Sequence[Format], formats: Sequence[Format]) -> DistillirError:
    """The error for a source that no format recognises, or more than one."""
    names = ", ".join(form.name for form in formats)
    if found:
        both = " and ".join(form.name for form in found)
        return DistillirError(f"may be {both}", where=source, remedy="say which with --format")
    seen = glance(source)
    if seen.record is None and seen.line.lstrip().startswith(("{", "[")):
        try:
            list(islice(read_records(source), 1))
        except DistillirError as error:
            return error
    what = f"cannot tell the format of this {'folder' if source.is_dir() else 'file'}{_seen(seen)}"
    if source.suffix == ".parquet" and isinstance(seen.record, dict):
        what = f"no column 'query_id' with 'document_ids', nor those of another form: it has {', '.join(seen.record)}"
    return DistillirError(what, where=source, remedy=f"{_hint(seen, formats)}name it: {names}")


def _seen(seen: Glance) -> str:
    if isinstance(seen.record, dict):
        return f": its records have the keys {', '.join(map(str, seen.record)) or 'none'}"
    if isinstance(seen.record, list):
        return f": its records are lists of {len(seen.record)}"
    if len(seen.cells) > 1:
        shown = seen.line[:SHOWN] + ("..." if len(seen.line) > SHOWN else "")
        return f": {len(seen.cells)} tab-separated columns, {shown!r}"
    return ""


def _hint(seen: Glance, formats: Sequence[Format]) -> str:
    """The form that a file looks like, and the way out; ends with ``; `` where there is something to say."""
    if isinstance(seen.record, dict):
        return _by_keys(seen.record, formats)
    cells, blanks = seen.cells, seen.line.split()
    if len(cells) in (1, 6) and len(blanks) == 6 and is_number(blanks[3]) and is_number(blanks[4]):
        return "it looks like a TREC run, which ranks documents: candidates: {from: {trec: FILE}} has it scored; "
    if len(blanks if len(cells) == 1 else cells) in (4, 6) and blanks[1] in ("0", "Q0", "Iter"):
        return "it looks like judgements or a run, which is no teaching set: a collection's qrels, or --scores; "
    if len(cells) == 3 and is_number(cells[2]):
        return "it looks like scores of pairs: give them with --scores to a hard-negatives file; "
    if len(cells) == 3 and any(" " in cell.strip() for cell in cells):
        return 'three texts a line are triplets: write {"anchor": ..., "positive": ..., "negative": ...} a line; '
    if len(cells) == 3:
        return "three ids a line are triples: write [qid, pid, pid] a line, the positive first (colbert); "
    if len(cells) == 2:
        return "it looks like a collection's texts, which are no teaching set; "
    if seen.path.suffix == ".csv" or ("," in seen.line and len(cells) == 1):
        return "of tables with commas make JSON lines or Parquet; "
    return ""


def _by_keys(record: dict[str, Any], formats: Sequence[Format]) -> str:
    if {"_id", "text"} <= record.keys() or {"id", "contents"} <= record.keys():
        return "it looks like texts of a collection, which are no teaching set; "
    shared = {form.name: len(form.keys & record.keys()) for form in formats}
    best = max(formats, key=lambda form: shared[form.name])
    if not shared[best.name]:
        return f"the nearest form is {formats[1].name}: {formats[1].expected}; "
    return f"the nearest form is {best.name}: {best.expected}; "
