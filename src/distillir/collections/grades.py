"""Grades of judgements: reading them, and the error for a value that is none, with the command that mends it."""

from typing import Any

from distillir.base.errors import DistillirError
from distillir.collections.renaming import key_path

_BOOLEANS = {"true": 1, "false": 0}
LIMIT = 1 << 31  # of a grade's size
RULE = "grades are integers: 0 for not relevant, 1 and above for relevant"


def read_grade(value: Any) -> int | None:
    """A grade as an integer: ``1``, ``1.0``, ``-2`` and true or false (1 and 0); None for anything else."""
    number = _number(value)
    if isinstance(number, float):
        number = int(number) if number.is_integer() else None
    return number if number is not None and abs(number) < LIMIT else None


def no_grade(value: object, where: str, threshold: str, hint: str = "") -> DistillirError:
    """Make the error for a value that is no grade.

    Args:
        value: What stands there.
        where: The place.
        threshold: A command that makes 1 of 0.5 and above, and 0 of what is below.
        hint: Said of what is no number.
    """
    number = _number(value)
    if number is None:
        return DistillirError(f"grade {value!r} is no integer", where=where, remedy=RULE + hint)
    if abs(number) >= LIMIT:
        return DistillirError(
            f"grade {value!r} is too large",
            where=where,
            remedy=f"grades are smaller than {LIMIT:,}; see that the column holds grades, not ids or times",
        )
    return DistillirError(
        f"grade {value!r} is no integer", where=where, remedy=f"{RULE}; to call 0.5 and above relevant: {threshold}"
    )


def table_threshold(column: int, delimiter: str, *, header: bool) -> str:
    """The command for a table, by its column (from 1) and the delimiter of its cells (empty: white space)."""
    shown = delimiter.replace("\t", "\\t")
    parted = f" -F'{shown}' -v OFS='{shown}'" if delimiter else ""
    return f"awk{parted} '{'NR > 1 ' if header else ''}{{${column} = (${column} >= 0.5)}} 1' FILE > NEW"


def key_threshold(key: str) -> str:
    """The command for JSON lines."""
    path = key_path(key)
    return f"jq -c '{path} = (if ({path} | tonumber) >= 0.5 then 1 else 0 end)' FILE > NEW.jsonl"


def _number(value: Any) -> int | float | None:
    """A value as a finite number; None where it is none."""
    if isinstance(value, str):
        value = value.strip()
        if value.lower() in _BOOLEANS:
            return _BOOLEANS[value.lower()]
        try:
            value = int(value) if "_" not in value else None
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return None
    if isinstance(value, float):
        return value if value - value == 0 else None
    return int(value) if isinstance(value, int) else None
