"""JSON objects of a file one by one: JSON lines, or one array."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import read_jsonl, read_lines

#: An element of an array that is not complete after so many lines is a mistake, not a long text.
LONGEST_ELEMENT = 10_000
_DECODER = json.JSONDecoder()
_BETWEEN = " \t\r\n,"


def read_json_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(number, object)``: by line for JSON lines, by element for a file that is one array of objects.

    Raises:
        DistillirError: As `read_lines`; or the file holds something else. The message names the line.
    """
    lines = (line.strip() for _, line in read_lines(path) if line.strip())
    first, second = next(lines, ""), next(lines, "")
    if first.startswith("["):
        return _read_array(path)
    if first == "{" or (first.startswith("{") and not first.endswith("}") and second and second[0] not in "{["):
        raise DistillirError(
            "a JSON object over several lines",
            where=path,
            remedy="write one object a line: jq -c . FILE (of one object with ids as keys: "
            "jq -c 'to_entries[] | {_id: .key, text: .value}' FILE)",
        )
    if first and first[0] != "{" and any(mark in first for mark in "\t,;"):
        raise DistillirError(
            f"not JSON, but what looks like a table ({first[:40]!r})",
            where=path,
            remedy="name it .tsv (tabs) or .csv (commas, semicolons)",
        )
    return read_jsonl(path)


def _read_array(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The elements of an array, with one line or one element in memory at a time."""
    number, held, pending, opened = 0, "", 0, False
    for line_number, line in read_lines(path):
        place = 0
        if not opened:
            place, opened = len(line) - len(line.lstrip()) + 1, bool(line.strip())
            if not opened:
                continue
        held, pending = (f"{held}\n{line}" if held else line), pending + 1
        while True:
            while place < len(held) and held[place] in _BETWEEN:
                place += 1
            if place == len(held):
                held, pending = "", 0
                break
            if held[place] == "]":
                return
            try:
                value, place = _DECODER.raw_decode(held, place)
            except (ValueError, RecursionError):
                held = held[place:]
                break  # the element goes on in the next line
            number, pending = number + 1, 0
            if not isinstance(value, dict):
                raise DistillirError(
                    f"a JSON {type(value).__name__} where an object is expected",
                    where=f"{path}:{line_number}",
                    remedy="write one object a line, as BEIR does",
                )
            yield number, value
        if pending > LONGEST_ELEMENT:
            break
    raise DistillirError(
        f"element {number + 1} of the JSON array is cut or malformed",
        where=path,
        remedy="write one object a line: jq -c '.[]' FILE",
    )
