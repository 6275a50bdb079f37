"""Values that a recipe may hold under any key: text, numbers, true, false, null, lists, mappings by text."""

import datetime
import math
from collections.abc import Sequence
from typing import Any

from distillir.base.errors import DistillirError

#: Larger whole numbers are no counts of anything, and floats no longer tell them apart.
LARGEST = 2**53


def check_values(value: Any, keys: Sequence[str] = (), where: str = "") -> None:
    """Refuse what JSON cannot say, and so no resolved recipe either: YAML reads 2024-01-01 as a date.

    Args:
        value: A recipe, or a part of it.
        keys: The keys that lead to it.
        where: File that it is of.

    Raises:
        DistillirError: The first such value, with its key.
    """
    at = ".".join(keys) or "the recipe"
    place = f"{where}: {at}" if where else at
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise DistillirError(f"the key {key!r} is no text", where=place, remedy="put quotes around it")
            if not key.strip():
                raise DistillirError("a key is empty", where=place, remedy="name it, or leave it out")
            check_values(inner, (*keys, key), where)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            check_values(inner, (*keys, str(number)), where)
    elif isinstance(value, str):
        if "\0" in value or (not value.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in value)):
            raise DistillirError(f"{value[:40]!a} holds a character that no text has", where=place)
    elif isinstance(value, int | float):
        if not math.isfinite(value):
            raise DistillirError(f"{value} is no number to work with", where=place, remedy="write a finite one")
        if isinstance(value, int) and abs(value) > LARGEST:
            raise DistillirError("a whole number too large to be meant", where=place, remedy=f"at most {LARGEST}")
    elif isinstance(value, datetime.date):
        raise DistillirError(f"{value} is read as a date", where=place, remedy="put quotes around it")
    elif value is not None:
        kind = type(value).__name__
        raise DistillirError(f"a {kind} where text, a number, a list or a mapping belongs", where=place)
