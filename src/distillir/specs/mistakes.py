"""What pydantic finds wrong with options, in one line."""

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest

#: What is wanted, by the beginning of pydantic's type of a mistake.
_WANTED = (
    ("bool", "true or false"),
    ("int", "a whole number"),
    ("float", "a number"),
    ("finite", "a finite number"),
    ("string", "a word"),
    ("list", "a list"),
    ("tuple", "a list"),
    ("dict", "a mapping"),
    ("model", "a mapping"),
)
_LIMITS = {
    "greater_than": ("above {gt}", "gt"),
    "greater_than_equal": ("{ge} or more", "ge"),
    "less_than": ("below {lt}", "lt"),
    "less_than_equal": ("{le} or less", "le"),
}


class OptionError(DistillirError):
    """A mistake in an option.

    Args:
        what: What is wrong.
        where: What holds the option.
        key: The option's keys below that place, dotted; the line of a recipe is told by both.
        remedy: How to mend it.
    """

    def __init__(self, what: str, *, where: object, key: str = "", remedy: str | None = None) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.key = key


def told(error: ValidationError, spec: type[BaseModel], where: str) -> OptionError:
    """The first mistake in some options, the misspelt keys before what they cause.

    Args:
        error: Of pydantic.
        spec: What the options were checked by.
        where: What messages call the place of the options.
    """
    mistakes = error.errors(include_url=False)
    # Of the ways a value may be written, the one that was read furthest was meant.
    mistake = sorted(mistakes, key=lambda one: (one["type"] != "extra_forbidden", -len(one["loc"])))[0]
    keys = _keys(spec, mistake["loc"])
    key, value, kind = ".".join(keys), mistake["input"], mistake["type"]
    if kind == "extra_forbidden":
        holder = where if len(keys) == 1 else f"{where}.{'.'.join(keys[:-1])}"
        remedy = nearest(keys[-1], fields(spec, keys[:-1]))
        return OptionError(f"unknown key {keys[-1]!r}", where=holder, key=keys[-1], remedy=remedy)
    if kind == "missing":
        return OptionError(f"no {key} is named", where=where, key=key)
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(mistake["ctx"]["expected"]))
        return OptionError(f"unknown {key} {value!r}", where=where, key=key, remedy=nearest(value, choices))
    if kind == "value_error":
        said = str(mistake["ctx"]["error"])
        return OptionError(said, where=f"{where}.{key}" if key else where, key="")
    wanted = next((words for start, words in _WANTED if kind.startswith(start)), None)
    if kind in _LIMITS:
        text, limit = _LIMITS[kind]
        whole = isinstance(value, int) and mistake["ctx"].get("ge") == 1
        wanted = "a whole number above 0" if whole else text.format(**{limit: mistake["ctx"][limit]})
    given = re.sub(r"\s+", " ", repr(value))
    said = mistake["msg"][0].lower() + mistake["msg"][1:]
    return OptionError(f"{key} is {given[:80]}", where=where, key=key, remedy=f"give {wanted}" if wanted else said)


def fields(model: type[BaseModel], keys: tuple[str, ...] = ()) -> list[str]:
    """The keys that a model, or a part of it, may have.

    Args:
        model: A recipe, or a part of one.
        keys: The keys that lead to the part.
    """
    for key in keys:
        for name, info in model.model_fields.items():
            if key in (name, info.alias):
                model = next(_models(info.annotation), model)
    return [info.alias or name for name, info in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models among the ways a value may be written."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _keys(spec: type[BaseModel], location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys on pydantic's way to a mistake: the names of branches, which it puts between, are left out."""
    keys: list[str] = []
    model: type[BaseModel] | None = spec
    for step in location:
        names = {} if model is None else {info.alias or name: info for name, info in model.model_fields.items()}
        if model is None and isinstance(step, int):
            keys.append(str(step))
        elif step in names:
            keys.append(str(step))
            model = next(_models(names[str(step)].annotation), None)
        elif model is not None and step == location[-1] and not re.search(r"[\[(]", str(step)):
            keys.append(str(step))  # unknown
    return tuple(keys) or tuple(str(step) for step in location[:1])
