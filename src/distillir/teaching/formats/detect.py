"""The format of a file, told by its name, first line and first record; the nearest one of an unknown file."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import read_lines
from distillir.collections.renaming import renaming
from distillir.teaching.formats.format import Format, Glance
from distillir.teaching.formats.records import read_records
from distillir.teaching.formats.values import is_number

SHOWN = 80  # characters of a line in a message
NEAREST = "flagembedding"  # the form named where no key is known


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
    """Make the error for a source that no format recognises, or more than one."""
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
    return DistillirError(
        what, where=source, remedy=f"{_hint(seen, formats)}or say with --format which form it has: {names}"
    )


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
    """A phrase on the form that a file resembles, with the way out; ends with ``; `` unless it is empty."""
    if isinstance(seen.record, dict):
        return _by_keys(seen.record, formats, seen.path)
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


def _by_keys(record: dict[str, Any], formats: Sequence[Format], place: Path) -> str:
    if {"_id", "text"} <= record.keys() or {"id", "contents"} <= record.keys():
        return "it looks like texts of a collection, which are no teaching set; "
    shared = {form.name: len(form.keys & record.keys()) for form in formats}
    best = max(formats, key=lambda form: shared[form.name])
    if not shared[best.name]:
        best = next(form for form in formats if form.name == NEAREST)
    return f"the nearest form is {best.name}: {best.expected}; {_renamed(record, best, place)}"


def _renamed(record: dict[str, Any], best: Format, place: Path) -> str:
    """A command that renames the record's keys to those of a form, but for scores, which are no guess; may be empty."""
    try:
        keys, _ = json.JSONDecoder().raw_decode(best.expected)
    except json.JSONDecodeError:
        return ""
    if not isinstance(keys, dict):
        return ""
    wanted = {key: key if key in record else None for key in keys if key in record or not key.endswith("scores")}
    if None not in wanted.values() or record.keys() <= wanted.keys():
        return ""
    return renaming(wanted, [str(key) for key in record], str(place)) + "; "
