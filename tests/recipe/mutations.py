"""Recipes made wrong at random: what a slip of the hand, a template or another tool may leave in a file."""

import copy
import datetime
import random
from collections.abc import Iterator
from typing import Any

import yaml

#: What is put in the place of a value.
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, 10**30, -(10**30), 2**63, 2**32, float("nan"), float("inf"),
    "", " ", "no", "null", "1e9", "bm25", "dense", "kl", "nDCG@0", "MRR@1.5", "P@99999999999", "%s {0} {x}", "a\nb\tc",
    "../..", "/", "~", "C:\\x", "\x00", "\ud800", "東京🦜", "x" * 5000, "[bold]", "!!python/object:os.system",
    [], [[]], [None], [1, "a", None], ["bm25", {}], {}, {"": None}, {None: 1}, {1: 2}, {True: 1},
    {"a": {"b": {"c": []}}},
    {"bm25": None}, {"dense": {}}, {"dense": 3}, {"ensemble": []}, {"ensemble": None}, {"server": 1}, {"name": None},
    {"kl": {"teacher_temperature": 0}}, {"plan": []}, b"bytes", datetime.date(2024, 1, 1),
    datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), {"a", "b"}, (1, 2),
]  # fmt: skip
#: What is written over a piece of the text.
PIECES = [
    "\t", ":", "- ", "{", "}", "[", "]", "&a ", "*a", "<<: *a", "!!int ", "'", "\"", "\n", "#", "%", "@",
    "? ", "|", ">", "---\n", "...", "\u0000", "\u00e9", "\u2028", "null", "yes", "0x1f", "1:30",
    "2024-01-01", "!!binary |", "~", ", ,",
]  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a value, as the keys and indices that lead to it."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*at, key))


def mutated(recipe: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """A recipe with one to three places changed: replaced, wrapped, moved, taken out, or with a key of another name."""
    changed = copy.deepcopy(recipe)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.choice([place for place in places(changed) if place] or [()])
        if not at:
            break
        holder: Any = changed
        for key in at[:-1]:
            holder = holder[key]
        last, old = at[-1], holder[at[-1]]
        match rng.randrange(7):
            case 0 | 1 | 2:
                holder[last] = copy.deepcopy(rng.choice(STRANGE))
            case 3:
                holder[last] = [old] if rng.random() < 0.5 else {rng.choice(["x", "model", "name", 3]): old}
            case 4:
                del holder[last]
            case 5 if isinstance(holder, dict):
                key = rng.choice(STRANGE)
                holder[key if key.__hash__ is not None and not isinstance(key, bytes) else str(key)] = old
            case _:
                other: Any = recipe
                for key in rng.choice(list(places(recipe))):
                    other = other[key]
                holder[last] = copy.deepcopy(other)
    return changed


def mutated_text(text: str, rng: random.Random) -> str:
    """A recipe's text with one to three pieces put in, taken out or doubled."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice((0, 0, 1, 3, 20)))
        piece = rng.choice([*PIECES, text[start:end] * 2, ""])
        text = text[:start] + piece + text[end:]
    return text


def written(recipe: dict[str, Any]) -> str | None:
    """A recipe as YAML; None where YAML cannot say it."""
    try:
        return yaml.dump(recipe, allow_unicode=True)
    except (yaml.YAMLError, UnicodeError, TypeError):
        return None
