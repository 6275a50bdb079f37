"""Read and check a recipe file: one line for the first mistake, with its place and the nearest known word."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.base.yaml_file import Places, read_mapping
from distillir.collections.spec import check_own_kind
from distillir.recipe.keys import apply_setting
from distillir.recipe.recipe import Recipe
from distillir.recipe.values import check_values
from distillir.retrieval.sources import MODEL_SOURCES, read_sources
from distillir.specs.mistakes import fields

#: Names that pydantic gives the ways a value may be written.
_BRANCHES = {"str", "int", "float", "bool", "plain", "graded", "several"}


def read_recipe(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        path: YAML file.
        settings: ``key=value`` with dotted keys (``training.epochs=3``), values in YAML.

    Raises:
        DistillirError: Whatever is wrong with it.
    """
    value, places = read_mapping(path)
    for setting in settings:
        places[apply_setting(value, setting)] = 0
    try:
        return parse_recipe(value, path=path, places=places)
    except RecursionError:
        raise DistillirError("nested too deep, or holds itself by an anchor", where=path) from None


def parse_recipe(value: dict[str, Any], *, path: Path | None = None, places: Places | None = None) -> Recipe:
    """Check a recipe that is already a mapping; arguments as found by `read_recipe`.

    Raises:
        DistillirError: The first thing that is wrong with it.
    """
    check_values(value, where=str(path) if path else "")
    try:
        recipe = Recipe.model_validate(value)
    except ValidationError as error:
        raise _first(error, value, path, places or {}) from None
    _check_meaning(recipe, path, places or {})
    return recipe


def _check_meaning(recipe: Recipe, path: Path | None, places: Places) -> None:
    """Check what types cannot express: names of methods, teachers and candidates, and parts that do not go together."""
    from distillir.composition.compose import compose
    from distillir.evaluation.measures import check_measures
    from distillir.retrieval.recipe_form import validate_candidates_spec
    from distillir.teachers.load import validate_teacher_spec

    try:
        check_own_kind(recipe.collection, "collection")
        for number, also in enumerate(recipe.evaluation.also):
            check_own_kind(also.collection, f"evaluation.also.{number}.collection")
        method = compose(recipe)
        if recipe.teaching is None:
            if recipe.teacher is not None:
                validate_teacher_spec(recipe.teacher)
            elif method.needs_scores or recipe.candidates.guard is not None:
                raise DistillirError("is missing", where="teacher", remedy="write for example: teacher: bm25")
            validate_candidates_spec(recipe.candidates.form())
            _check_sources(recipe)
            _check_run_files(recipe)
        elif recipe.teacher is not None:
            raise DistillirError(
                "a recipe has a teacher or a teaching set, not both", where="teaching", remedy="take one of them out"
            )
        if recipe.training.queries_per_step % recipe.training.gradient_accumulation:
            raise DistillirError(
                f"{recipe.training.queries_per_step} queries a step do not divide into "
                f"{recipe.training.gradient_accumulation} batches",
                where="training.gradient_accumulation",
                remedy="choose a divisor of training.queries_per_step",
            )
        if recipe.evaluation.split is not None and recipe.evaluation.split == recipe.queries.split:
            raise DistillirError(
                f"trains and evaluates on the same split {recipe.queries.split!r}",
                where="evaluation.split",
                remedy="a gain on the training queries proves nothing: choose another split; of a collection with one "
                "alone, learn from queries made of documents (queries: {split: null, sentences: 500}) or hold queries "
                "out (evaluation: {split: null})",
            )
        if recipe.evaluation.split is None and recipe.teacher is None:
            raise DistillirError(
                "queries are held out for the teacher to judge, and the recipe has none",
                where="evaluation.split",
                remedy="name a split, or a teacher"
                if recipe.teaching is None
                else "name a split that is not trained on; a set that brought its own texts has none: import its file "
                "with --collection, a BEIR folder with a test split (its texts are found there without ids, too)",
            )
        recipe.student.check()
        check_measures(recipe.evaluation.measures)
    except DistillirError as error:
        if path is None:
            raise
        line = line_of(error, places)
        raise DistillirError(str(error), where=f"{path}:{line}" if line else path) from None


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


def _check_sources(recipe: Recipe) -> None:
    """Refuse to mine with the student as if it were of another kind."""
    own, kind = recipe.student.own_kind.source, recipe.student.kind
    for source, options in read_sources(recipe.candidates.from_):
        if source in MODEL_SOURCES and options.get("model") is None and source != own:
            raise DistillirError(
                f"{source} without a model is the student, and that is {kind}",
                where="candidates.from",
                remedy=f"write {own}, or {{{source}: model}}" if own else f"write {{{source}: model}}",
            )


def _check_run_files(recipe: Recipe) -> None:
    """Refuse a TREC run that is not there now, not after the models are loaded."""
    for kind, options in read_sources(recipe.candidates.from_):
        if kind == "trec" and not Path(options["path"]).is_file():
            raise DistillirError("no such file", where=f"candidates.from: {options['path']}", remedy="check the path")


def _first(error: ValidationError, value: dict[str, Any], path: Path | None, places: Places) -> DistillirError:
    """One line for the first mistake, the misspelt keys before the missing ones they cause."""
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
    if mistake["type"] == "int_parsing":
        said += " (YAML reads 1e9 as text; write the digits out)"
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
