"""The parts of recipes and of the pipeline that the front door calls: all of them, in one place.

The command line calls the same ones; nothing is done a second way here.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.base.processes import barrier, first_decides, rank
from distillir.front_door.forms import as_path, plain_values

if TYPE_CHECKING:
    from distillir.base.arrays import Rows
    from distillir.collections import Collection, Qrels
    from distillir.collections.run import Run
    from distillir.recipe import Recipe
    from distillir.students.spec import StudentSpec


def checked_recipe(recipe: "str | os.PathLike[str] | Mapping[str, Any]", settings: Mapping[str, Any]) -> "Recipe":
    """Read and check a recipe, as the command line does.

    Args:
        recipe: A YAML file, or the mapping that it would hold.
        settings: Values by dotted keys that replace the recipe's, as ``--set`` does.

    Raises:
        DistillirError: Whatever is wrong with it.
    """
    from distillir.recipe.keys import apply_setting
    from distillir.recipe.read import parse_recipe, read_recipe

    if not isinstance(settings, Mapping):
        raise DistillirError(
            f"{type(settings).__name__} is no mapping", where="settings", remedy='write {"training.epochs": 1}'
        )
    changes = [f"{key}={json.dumps(plain_values(value), default=str)}" for key, value in settings.items()]
    if not isinstance(recipe, str | os.PathLike | Mapping):
        raise DistillirError(
            f"{type(recipe).__name__} is no recipe", where="recipe", remedy="give the path of a file, or a mapping"
        )
    if not isinstance(recipe, Mapping):
        return read_recipe(as_path(recipe), changes)
    value = plain_values(recipe)
    for change in changes:
        apply_setting(value, change)
    return parse_recipe(value)


def default_output(recipe: "str | os.PathLike[str]") -> Path:
    """The folder of a run of a recipe file without an output."""
    from distillir.recipe import default_output as of_file

    return of_file(as_path(recipe))


def run_all(recipe: "Recipe", output: Path, *, anew: bool) -> None:
    """Go through every stage (``distillir run``)."""
    from distillir.pipeline.run import run

    run(recipe, output, anew=anew)


def train_on(recipe: "Recipe", output: Path, *, anew: bool) -> Any:
    """Go through the stages that make a student of a recipe's teaching set, and load it.

    Raises:
        DistillirError: As the stages do.
    """
    from distillir.pipeline.open_run import open_run
    from distillir.pipeline.step import walk
    from distillir.pipeline.steps import STEPS

    with open_run(output, recipe, "train", anew=anew) as folder:
        walk(folder, [step for step in STEPS if step.verb in (None, "score", "train")])
        return load_trained(recipe.student, folder.student)


def without_evaluation(recipe: "Recipe") -> "Recipe":
    """The recipe of a training that no split is kept from."""
    return recipe.model_copy(update={"evaluation": recipe.evaluation.model_copy(update={"split": None})})


def load_trained(student: "StudentSpec", folder: Path) -> Any:
    """Load a student that a run has saved; where documents are kept, with their model beside the query encoder."""
    from distillir.encoding.kinds import ENCODERS
    from distillir.students.load import load_student_of

    if student.documents is not None:
        return ENCODERS[student.documents.kind].load(str(folder), options=student.saved_options)
    return load_student_of(student, folder)


def student_of_run(folder: Path) -> Any:
    """Load the student of a run's folder."""
    from distillir.base.yaml_file import read_mapping
    from distillir.recipe import RECIPE_FILE

    value, _ = read_mapping(folder / RECIPE_FILE)
    return load_trained(student_spec(value["student"]), folder / "student")


def student_spec(student: "str | os.PathLike[str] | Mapping[str, Any]") -> "StudentSpec":
    """Check what a recipe has under ``student:``."""
    return checked_recipe({"collection": "stdlib", "teacher": "bm25", "student": student}, {}).student


def judged_split(collection: "Collection", split: str) -> "Qrels":
    """Judgements of a split that is to be measured on."""
    from distillir.pipeline.judged_split import split_qrels

    return split_qrels(collection, split, "split")


def rank_with(
    model: str | Path,
    collection: "Collection",
    rows: "Rows",
    depth: int,
    *,
    kind: str | None,
    candidates: "Run | None",
    own_document: str,
    **options: Any,
) -> "Run":
    """Rank documents for queries with a student, as a run does.

    Args:
        model: Its folder or name.
        collection: What is ranked.
        rows: Query rows [Q].
        depth: Documents a query.
        kind: As a recipe has it under ``student: {kind: ...}``; None: what its files say, of kinds that search.
        candidates: What kinds rank that do not search.
        own_document: ``leave_out`` or ``keep``.
        options: ``precision`` and ``trust_remote_code``.

    Raises:
        DistillirError: No such kind, one that needs candidates, or a model that cannot be loaded.
    """
    from distillir.evaluation.search import search_measured, search_student
    from distillir.students.registry import student_kind

    if kind is None:
        return search_student(model, collection, rows, depth, own_document=own_document, **options)
    find = None if candidates is None else (lambda _, asked: candidates.select(asked.tolist()))
    retriever = student_kind(kind, where="kind").retriever(str(model), candidates=find, **options)
    return search_measured(retriever, collection, rows, depth, own_document=own_document)


@contextmanager
def saved_student(spec: "StudentSpec") -> Iterator[Path]:
    """Save the student that a training starts from for as long as the block lasts, as a run does.

    Raises:
        DistillirError: It keeps documents, so that it searches nothing by itself.
    """
    from distillir.students.load import load_student_of

    if spec.documents is not None:
        raise DistillirError(
            "the student is a query encoder for vectors of documents that are kept",
            where="student.documents",
            remedy=f"name the documents' model in the source: {{{spec.documents.kind}: model}}",
        )

    with saved_model(load_student_of(spec, device="cpu") if rank() == 0 else None) as folder:
        yield folder


@contextmanager
def saved_model(model: Any) -> Iterator[Path]:
    """Save a loaded model for as long as the block lasts; the first process saves, all read."""
    from distillir.encoding.saving import save_model

    with temporary_folder() as folder:
        if rank() == 0:
            save_model(model, folder / "model", create_model_card=False)
        barrier()
        yield folder / "model"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that all processes share, for as long as the block lasts."""
    folder = Path(first_decides(lambda: tempfile.mkdtemp(prefix="distillir-")))
    try:
        yield folder
        barrier()  # another process may still be reading
    finally:
        if rank() == 0:
            shutil.rmtree(folder, ignore_errors=True)
