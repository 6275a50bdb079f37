"""Read and check a recipe file: one line for the first mistake, with its place and the nearest known word."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distillir.base.errors import DistillirError
from distillir.base.yaml_file import Places, read_mapping
from distillir.collections.spec import check_own_kind
from distillir.recipe.keys import apply_setting
from distillir.recipe.mistakes import first_mistake, line_of
from distillir.recipe.recipe import Recipe
from distillir.recipe.values import check_values
from distillir.retrieval.sources import MODEL_SOURCES, read_sources


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
        raise first_mistake(error, value, path, places or {}) from None
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
        if recipe.student.documents is not None and options.get("model") is None and "stored" in options:
            raise DistillirError(
                "how the documents that the student keeps are stored stands under student.documents",
                where=f"candidates.from: {source}.stored",
                remedy="leave it out, or name a model",
            )


def _check_run_files(recipe: Recipe) -> None:
    """Refuse a TREC run that is not there now, not after the models are loaded."""
    for kind, options in read_sources(recipe.candidates.from_):
        if kind == "trec" and not Path(options["path"]).is_file():
            raise DistillirError("no such file", where=f"candidates.from: {options['path']}", remedy="check the path")
