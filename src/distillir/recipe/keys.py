"""Keys of a recipe by their dotted names, as ``--set`` and comparisons write them."""

from collections.abc import Mapping
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.yaml_file import load_yaml

# The key that the short form of a part stands for: ``student: all-MiniLM-L6-v2`` is ``student: {model: ...}``.
SHORT_FORMS = {"student": "model", "queries": "split", "evaluation": "split", "method": "name"}
#: Parts that are changed key by key where they are set as a whole; any other part is replaced.
MERGED = {("student",), ("queries",), ("candidates",), ("training",), ("evaluation",)}


def apply_setting(recipe: dict[str, Any], setting: str) -> tuple[str, ...]:
    """Set a key to a value, both written as ``key=value`` (the value in YAML).

    Returns:
        The key's parts.

    Raises:
        DistillirError: It is not written so, or the key lies inside something that has no keys.
    """
    key, sign, text = setting.partition("=")
    if not sign or not key.strip():
        raise DistillirError(
            f"{setting!r} is not key=value", where="--set", remedy="for example --set training.epochs=3"
        )
    try:
        value = load_yaml(text, "--set")
    except DistillirError:
        raise DistillirError(f"the value of {key} is not YAML: {text[:80]!r}", where="--set") from None
    return set_key(recipe, key.strip(), value, where=f"--set {key}")


def set_key(recipe: dict[str, Any], key: str, value: Any, *, where: str | None = None) -> tuple[str, ...]:
    """Set a dotted key of a recipe, in place; short forms on the way are written out.

    A mapping or a short form that is given for one of `MERGED` changes what it names and nothing else.

    Returns:
        The key's parts.

    Raises:
        DistillirError: The key lies inside something that has no keys.
    """
    keys = tuple(key.split("."))
    target = recipe
    for part in keys[:-1]:
        inner = target.get(part)
        if inner is None:
            inner = {}
        elif isinstance(inner, str) and part in SHORT_FORMS:
            inner = {SHORT_FORMS[part]: inner}
        elif not isinstance(inner, dict):
            raise DistillirError(f"{part} is {inner!r} and has no keys", where=where or key)
        target[part] = inner
        target = inner
    last = keys[-1]
    target[last] = _merged(target.get(last), value, SHORT_FORMS.get(last)) if keys in MERGED else value
    return keys


def _merged(part: Any, change: Any, short: str | None) -> Any:
    """A part of a recipe with changes; both may be in the short form."""
    if isinstance(change, str) and short and isinstance(part, dict):
        change = {short: change}
    if not isinstance(change, Mapping):
        return change
    before = {short: part} if isinstance(part, str) and short else part if isinstance(part, dict) else {}
    return {**before, **change}
