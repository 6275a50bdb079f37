"""Single values of other programs' files: ids and scores, read and written."""

import math
from pathlib import Path

from distillir.base.arrays import Scores
from distillir.base.errors import DistillirError


def read_id(value: object, where: str, what: str) -> str:
    """An id, given as a text or a whole number.

    Raises:
        DistillirError: It is neither, or empty.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value:
        return value
    raise DistillirError(f"{value!r} is no {what} id", where=where, remedy="ids are texts or whole numbers")


def read_score(value: object, where: str) -> float:
    """A teacher score, given as a number or as the text of one.

    Raises:
        DistillirError: It is no finite number.
    """
    number = value
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            number = None
    if isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number):
        return float(number)
    raise DistillirError(f"{value!r} is no teacher score", where=where, remedy="scores are finite numbers")


def write_id(identifier: str) -> int | str:
    """The JSON value of an id: a number where it is written like one, as MS MARCO's tools expect."""
    return int(identifier) if identifier.isascii() and identifier.isdigit() and is_plain(identifier) else identifier


def is_plain(identifier: str) -> bool:
    """Tell whether an id of digits has no leading zeros, so that nothing is lost in a number."""
    return identifier == "0" or not identifier.startswith("0")


def is_number(cell: str) -> bool:
    """Tell whether a cell of a table holds a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def write_scores(scores: Scores) -> list[float]:
    """Scores with no more digits than a float32 has; read back they are the same to the bit."""
    return [float(str(score)) for score in scores]


def tsv_cell(value: str, what: str, where: Path) -> str:
    """An id that can stand in a tab-separated file.

    Raises:
        DistillirError: It holds a tab or a line break.
    """
    if any(character in value for character in "\t\n\r"):
        raise DistillirError(
            f"{what} id {value!r} holds a tab or line break, which this format cannot",
            where=where,
            remedy="export to parquet instead",
        )
    return value
