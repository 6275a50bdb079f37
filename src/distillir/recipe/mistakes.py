"""Mistakes in a recipe, in one line: the first of them, with its place and the nearest known word."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.base.yaml_file import Places, load_yaml
from distillir.recipe.recipe import Recipe
from distillir.specs.mistakes import fields

#: Names that pydantic gives the ways a value may be written.
_BRANCHES = {"str", "int", "float", "bool", "constrained-float", "plain", "graded", "several"}
#: What is wanted, by the beginning of pydantic's type of a mistake.
_WANTED = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def line_of(error: DistillirError, places: Places) -> int:
    """The line that a mistake in a recipe stands on; 0 where it is not known.

    Args:
        error: Says where by the recipe's keys (``teacher.ensemble[1].dense``).
        places: Line of each key.
    """
    where = re.sub(r"[\[\]:\s]+", ".", f"{error.where or ''}.{getattr(error, 'key', '')}.")
    where = re.sub(r"\.+", ".", where).lstrip(".")
    # An objective may also be the method's.
    for whole in (where, f"method.{where}"):
        held = [keys for keys in places if whole.startswith(re.sub(r"[\[\]:\s.]+", ".", ".".join(keys)) + ".")]
        if held:
            return places[max(held, key=len)]
    return 0


def first_mistake(error: ValidationError, value: dict[str, Any], path: Path | None, places: Places) -> DistillirError:
    """One line for the first mistake, the misspelt keys before the missing ones they cause.

    Args:
        error: Of pydantic.
        value: What was validated.
        path: The recipe's file, where it is of one.
        places: Line of each key.
    """
    # Of the ways a value may be written, the one that was read furthest was meant.
    mistakes = sorted(error.errors(), key=lambda e: (e["type"] != "extra_forbidden", -len(e["loc"])))
    mistake = mistakes[0]
    keys = own_keys(mistake["loc"], value)
    line = places.get(keys, 0)
    where = ": ".join(str(part) for part in (f"{path}:{line}" if path and line else path, ".".join(keys)) if part)
    if mistake["type"] == "extra_forbidden":
        return DistillirError("unknown key", where=where, remedy=nearest(keys[-1], fields(Recipe, keys[:-1])))
    if mistake["type"] == "missing":
        return DistillirError("is missing", where=where, remedy="every recipe needs it")
    given = _shown(mistake["input"])
    said = re.sub(r" or instance of \w+", "", f"{mistake['msg'][0].lower()}{mistake['msg'][1:]}")
    said = said.removeprefix("value error, ").replace("dictionary", "mapping")
    if keys and said.startswith(".".join(keys)):  # of a kind's options: it says itself where
        line = line_of(DistillirError("", where=said.split(": ", 1)[0]), places)
        return DistillirError(said, where=f"{path}:{line}" if path and line else path)
    if mistake["type"].split("_")[0] in _WANTED:
        ways = [way for other in mistakes if own_keys(other["loc"], value) == keys and (way := _wanted(other))]
        said = f"is not {' or '.join(dict.fromkeys(ways))}{_way_out(mistake['input'])}"
        return DistillirError(f"{given[:80]} {said}", where=where)
    if mistake["type"] == "too_short":
        said = f"has too little: give {mistake['ctx']['min_length']} or more"
        return DistillirError(f"{given[:80]} {said}", where=where)
    return DistillirError(f"{given[:80]}: {said}", where=where)


def own_keys(location: Sequence[object], value: Any) -> tuple[str, ...]:
    """The keys of a file on pydantic's way to a mistake, which names the branches of unions, too.

    Args:
        location: pydantic's ``loc``.
        value: What was validated.
    """
    keys: list[str] = []
    for number, step in enumerate(location):
        named = {str(key): inner for key, inner in value.items()} if isinstance(value, dict) else {}
        if isinstance(value, list | tuple) and isinstance(step, int) and step < len(value):
            value = value[step]
        elif str(step) in named:
            value = named[str(step)]
        elif number < len(location) - 1 or str(step) in _BRANCHES or "[" in str(step):
            continue  # the name of a branch, or a key that the short form stands for
        keys.append(str(step))
    return tuple(keys)


def _shown(value: object) -> str:
    """A value as JSON, or as Python writes it where JSON has no form for it."""
    try:
        return json.dumps(value, default=str)
    except (TypeError, ValueError, RecursionError):
        return ascii(value) if not isinstance(value, dict | list) else type(value).__name__


def _wanted(mistake: Mapping[str, Any]) -> str | None:
    """Words for what one of the ways to write a value wants; None where there are none."""
    if mistake["type"] == "literal_error":
        return str(mistake["ctx"]["expected"])
    return _WANTED.get(str(mistake["type"]).split("_")[0])


def _way_out(given: object) -> str:
    """Remedy for a number, or true and false, that is there in another way."""
    meant = given
    if isinstance(given, str):
        try:
            meant = load_yaml(given, "")
        except DistillirError:
            return ""
    if isinstance(meant, float) and meant.is_integer():
        return f"; write {int(meant)}"
    return "; take the quotes off" if isinstance(given, str) and isinstance(meant, bool | int | float) else ""
