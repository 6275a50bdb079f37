"""Ownership of a run folder by one recipe, and the differences of another recipe from it."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file
from distillir.base.output_folder import is_empty
from distillir.base.yaml_file import dump_yaml, read_mapping
from distillir.composition.settled import adopt_settled
from distillir.plans.settings import IDLE
from distillir.recipe import RECIPE_FILE, Recipe

#: Keys of a server that change no answer: a run goes on under others.
PAYMENT = ("budget", "price", "in_flight", "requests_per_minute", "timeout", "retries", "longest_wait", "api_key_env")
MEND = "mend it, or choose another --output"


def own_recipe(path: Path, recipe: Recipe, provenance: Path, *, anew: bool, anew_by: str) -> tuple[Recipe, list[str]]:
    """The recipe that a run goes on with in a folder, and what of it has changed; nothing is written.

    Args:
        path: The folder.
        recipe: The recipe as the user gave it.
        provenance: What tells the folder of a run whose recipe is gone.
        anew: Whether the run of another recipe may be taken over.
        anew_by: The flag, or the command with it, that allows this.

    Returns:
        The recipe with what an earlier start has settled of its ``auto`` values, and the dotted keys in which it
        differs from the one that the folder holds.

    Raises:
        DistillirError: The folder holds the run of another recipe, or something else than a run.
    """
    file = path / RECIPE_FILE
    if file.is_file():
        before, _ = read_mapping(file, f"is no recipe; {MEND}")
        with suppress(ValueError, DistillirError):  # keys that are new since then stand at their defaults
            before = Recipe.model_validate(before).resolved()
        recipe = adopt_settled(recipe, before)
        resolved = recipe.resolved()
        known, now = (without_idle(without_payment(value)) for value in (before, resolved))
        changed = _changed_keys(known, now)
        if changed and not anew:
            raise DistillirError(
                f"holds the run of another recipe (differs in {difference(known, now)})",
                where=path,
                remedy=f"choose another --output, or give {anew_by} to make anew what depends on it",
            )
        return recipe, changed
    if path.exists() and (not path.is_dir() or not is_empty(path)):
        if provenance.is_file():
            raise DistillirError(
                f"holds a run whose {RECIPE_FILE} is gone",
                where=path,
                remedy=f"copy your recipe there as {RECIPE_FILE}, or choose another --output",
            )
        raise DistillirError("is not empty and holds no run", where=path, remedy="choose another --output")
    return recipe, []


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Keep a run's recipe in its folder, with every setting written out."""
    with atomic_file(path / RECIPE_FILE) as temporary:
        text = dump_yaml(recipe.resolved())
        temporary.write_text(text, encoding="utf-8")


def without_idle(recipe: Any) -> Any:
    """A resolved recipe without the settings of its training that change nothing that is learnt."""
    training = recipe.get("training") if isinstance(recipe, dict) else None
    if not isinstance(training, dict):
        return recipe
    return {**recipe, "training": {key: value for key, value in training.items() if key not in IDLE}}


def without_payment(value: Any) -> Any:
    """A recipe without the settings of a server that change no answer."""
    if isinstance(value, list):
        return [without_payment(part) for part in value]
    if not isinstance(value, dict):
        return value
    left_out = PAYMENT if "server" in value else ()
    return {key: without_payment(part) for key, part in value.items() if key not in left_out}


def _changed_keys(before: Any, after: Any, key: str = "") -> list[str]:
    """Dotted keys in which two resolved recipes differ."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [] if before == after else [key]
    names = [*after, *(name for name in before if name not in after)]
    parts = [_changed_keys(before.get(name), after.get(name), f"{key}.{name}" if key else str(name)) for name in names]
    return [changed for part in parts for changed in part]


def difference(before: Any, after: Any, key: str = "") -> str:
    """The first key in which two resolved recipes differ, with both values."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*after, *(name for name in before if name not in after)]:
            if before.get(name) != after.get(name):
                return difference(before.get(name), after.get(name), f"{key}.{name}" if key else str(name))
    return f"{key}: {before!r} there, {after!r} now"
