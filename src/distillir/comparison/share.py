"""Shared parts of a comparison's cells: candidates, scores, signals, the student before training and its run."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from distillir.base.files import atomic_directory, atomic_file
from distillir.base.processes import barrier, rank
from distillir.comparison.cell import Cell, shared_key, shared_part
from distillir.composition.compose import compose
from distillir.pipeline.mine import mine_stage
from distillir.pipeline.open_run import open_run
from distillir.pipeline.products import PRODUCTS
from distillir.pipeline.provenance import check, finish, read, seal, write
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import FACT
from distillir.pipeline.score import score_stage
from distillir.pipeline.step import walk
from distillir.pipeline.steps import named
from distillir.recipe import Recipe

#: Products that cells take from the shared folder, by name.
SHARED_PRODUCTS = (
    "initial student",
    "candidates",
    "evaluation candidates",
    "teaching set",
    "teacher's run",
    "run before training",
    "runs before training on other collections",
)


def prepare_shared(output: Path, cell: Cell, query_seed: int, *, lists: bool = True, anew: bool = False) -> RunFolder:
    """Mine, score and search for a cell and all that share its part; nothing where that was done.

    Args:
        output: Folder of the comparison.
        cell: Any that shares.
        query_seed: The comparison's.
        lists: Whether any of them learns from candidates; where all learn from texts alone, none are mined and scored
            but those of evaluation queries that the teacher judges.
        anew: As in `open_run`.

    Returns:
        The folder with the shared files, under ``shared/``.

    Raises:
        DistillirError: As the stages do.
    """
    recipe = shared_part(cell.seeded(query_seed, query_seed))
    with open_run(output / "shared" / shared_key(recipe), recipe, anew=anew) as folder:
        if lists:
            walk(folder, named("mine", "score", "before"))
        else:
            judged = recipe.evaluation.split is not None
            mine_stage(folder, learnt=False, evaluated=not judged)
            score_stage(folder, learnt=False, evaluated=not judged)
            walk(folder, named("before"))
    return folder


def adopt(shared: RunFolder, path: Path, recipe: Recipe, *, anew: bool = False) -> RunFolder:
    """Make the folder of a cell's run, in which everything before training is linked to the shared one.

    Args:
        shared: What `prepare_shared` gave.
        path: Folder of the run.
        recipe: The cell's, seeded.
        anew: As in `open_run`.

    Raises:
        DistillirError: What the cell has of its own was made from something else than what it shares now.
    """
    folder = RunFolder(path, recipe, anew=anew)
    answers = shared_answers(recipe)
    if rank() == 0:
        for place in answers.values():
            (shared.path / place).mkdir(exist_ok=True)  # the first run that needs them makes them there
        _take(folder, shared, answers)
        seal(folder, signals=False)
    barrier()
    own = [product.name for product in PRODUCTS if product.name not in SHARED_PRODUCTS]
    check(folder, None, anew=anew, only=own)
    finish(folder)
    return folder


def _take(folder: RunFolder, shared: RunFolder, answers: Mapping[str, str]) -> None:
    """Link shared products into a cell's folder, with the record of what they were made from."""
    folder.runs.mkdir(exist_ok=True)
    made, known = read(shared), read(folder)
    others = [path.relative_to(shared.path) for path in sorted(shared.other_runs.glob("*/before.trec"))]
    same = all(made.get(name) == known.get(name) for name in SHARED_PRODUCTS)
    for own, source in (
        *((folder.path / own, shared.path / source) for own, source in answers.items()),
        (folder.teaching, shared.teaching),
        (folder.candidates, shared.candidates),
        (folder.evaluation_candidates, shared.evaluation_candidates),
        (folder.teacher_run, shared.teacher_run),
        (folder.before_run, shared.before_run),
        (folder.initial_student, shared.initial_student),
        *((folder.path / own, shared.path / own) for own in others),
    ):
        if os.path.lexists(own) and not (same or own.resolve() == source.resolve()):
            _remove(own)  # a copy, or a link to what the recipe shared before
        if source.exists() and not os.path.lexists(own):
            own.parent.mkdir(parents=True, exist_ok=True)
            _link(own, source)
    if not same:
        write(folder, {**known, **{name: made[name] for name in SHARED_PRODUCTS if name in made}})
    facts = {name: value for name, value in shared.facts.read().items() if name in ("diagnostics", "generated", FACT)}
    if not folder.facts.file.is_file():
        # Calls and seconds of the shared stages are told once, not with every cell.
        folder.facts.note(**facts, teacher_calls={"asked": 0, "cached": 0}, seconds={})
    elif not same:
        noted = folder.facts.read()
        folder.facts.note(**{name: {**noted.get(name, {}), **value} for name, value in facts.items()})


def shared_answers(recipe: Recipe) -> dict[str, str]:
    """Folders of signals' answers that runs of a comparison share, by the folder in the run."""
    found = {}
    for signal in compose(recipe).signals:
        if (key := signal.shared(recipe)) is not None:
            found[signal.kind.folder] = f"{signal.kind.folder}-{key}"
    return found


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _link(own: Path, source: Path) -> None:
    """Make ``own`` a relative link to ``source``, so that the comparison can move; a copy where there are no links."""
    try:
        own.symlink_to(os.path.relpath(source.resolve(), own.parent.resolve()))
    except (OSError, NotImplementedError):
        if source.is_dir():
            with atomic_directory(own) as folder:
                shutil.copytree(source, folder, dirs_exist_ok=True)
        else:
            with atomic_file(own) as file:
                shutil.copy2(source, file)
