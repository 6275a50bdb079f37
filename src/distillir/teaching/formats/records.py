"""Records of a source: JSON lines, one JSON array, Parquet rows, or a folder of such files."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from distillir.base.errors import DistillirError
from distillir.base.files import read_lines
from distillir.collections.text_files import count_lines

#: Endings of files in a folder that are read as records; compressed ones have another ending behind.
ENDINGS = (".jsonl", ".ndjson", ".json", ".parquet")
BLOCK = 1 << 16  # characters of an array that are read before its elements are looked for
_DECODER = json.JSONDecoder()


class Record(NamedTuple):
    """A record: its number within its file (line, element or row, from 1), its place for messages, the JSON value."""

    number: int
    where: str
    value: Any


def record_files(source: Path) -> list[Path]:
    """The files of records of a source: itself, or those in a folder, by name.

    Raises:
        DistillirError: The folder has none.
    """
    if not source.is_dir():
        return [source]
    found = sorted(path for path in source.iterdir() if path.is_file() and _ending(path) and path.name[0] not in "._")
    if not found:
        raise DistillirError(
            "holds no file of training examples",
            where=source,
            remedy=f"name the file, or put {', '.join(ENDINGS)} here",
        )
    return found


def _ending(path: Path) -> str | None:
    return next((suffix for suffix in path.suffixes[-2:] if suffix in ENDINGS), None)


def read_records(source: Path) -> Iterator[Record]:
    """Yield the records of a source; empty lines are passed over.

    Raises:
        DistillirError: A file cannot be read, or is not JSON; the message names the line.
    """
    for file in record_files(source):
        if file.suffix == ".parquet":
            yield from _parquet(file)
        elif _is_array(file):
            yield from _array(file)
        else:
            yield from _lines(file)


def count_records(source: Path) -> int:
    """Number of records of a source, for a progress bar: of a JSON array, 0."""
    total = 0
    for file in record_files(source):
        if file.suffix == ".parquet":
            total += int(pq.read_metadata(str(file)).num_rows)
        elif not _is_array(file):
            total += count_lines(file)
    return total


def _lines(file: Path) -> Iterator[Record]:
    for number, line in read_lines(file):
        if line.strip():
            where = f"{file}:{number}"
            yield Record(number, where, _parse(line, where))


def _parse(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else "a number too long to read"
        if isinstance(error, json.JSONDecodeError):
            said = f"{error.msg} at column {error.colno}"
        raise DistillirError(
            f"not JSON ({said})", where=where, remedy="each line must be one JSON object, or the whole file one array"
        ) from None


def _is_array(file: Path) -> bool:
    """Tell whether the whole file is one JSON array, by its first line: an array of objects or lists, or its start."""
    line = next((line.strip() for _, line in read_lines(file) if line.strip()), "")
    if not line.startswith("["):
        return False
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        # Either the line is broken or the array goes on: `[`, or `[{"a": 1},`.
        return line == "[" or (line[1:].lstrip().startswith(("{", "[")) and not line.endswith("]"))
    return bool(value) and isinstance(value[0], dict | list)


def _array(file: Path) -> Iterator[Record]:
    """The elements of an array, one after another, so that a large file need not stand in memory whole."""
    number, rest, size, wanted, begun = 0, "", 0, BLOCK, False
    pending: list[str] = []
    lines = (line for _, line in read_lines(file))
    for line in chain[str | None](lines, [None]):
        if line is not None:
            pending.append(line)
            size += len(line)
            if size < wanted:
                continue
        text = "\n".join([rest, *pending] if rest else pending)
        if not begun:
            text, begun = text.lstrip()[1:], True
        found, rest = _elements(text, file, number, line is None)
        yield from found
        number, pending = number + len(found), []
        # An element that went on is tried again when as much again has been read.
        size, wanted = 0, max(BLOCK, len(rest))
    if rest.strip() != "]":
        raise DistillirError("not JSON (the array has no end)", where=file, remedy="the file is cut off or damaged")


def _elements(text: str, file: Path, number: int, last: bool) -> tuple[list[Record], str]:
    """The whole elements at the beginning of a text, and what is left of it.

    Raises:
        DistillirError: What is left is the ``last`` of the file and no element.
    """
    found: list[Record] = []
    place = 0
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place == len(text) or text[place] == "]":
            return found, text[place:]
        where = f"{file}, element:{number + len(found) + 1}"
        try:
            value, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            if not last:
                return found, text[place:]
            said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise DistillirError(f"not JSON ({said})", where=where, remedy="the array is cut off or damaged") from None
        found.append(Record(number + len(found) + 1, where, value))


def _parquet(file: Path) -> Iterator[Record]:
    number = 0
    try:
        with pq.ParquetFile(str(file)) as opened:
            for batch in opened.iter_batches(batch_size=1000):
                for row in batch.to_pylist():
                    number += 1
                    yield Record(number, f"{file}, row:{number}", row)
    except (OSError, pa.ArrowException) as error:
        raise DistillirError(f"is no Parquet file ({error})", where=file) from error
