"""The whole run: every step in order, each passed over where its files are there."""

import shutil
from pathlib import Path

from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.pipeline.open_run import open_run
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.step import walk
from distillir.pipeline.steps import OPENING, STEPS
from distillir.recipe import Recipe


def run(recipe: Recipe, output: Path, *, anew: bool = False) -> Path:
    """Run all stages of a recipe.

    Args:
        recipe: A checked recipe.
        output: Folder of the run; a rerun goes on where the last one was stopped.
        anew: Whether what was made from other texts, models or settings than those of now is deleted and made anew,
            and not refused.

    Returns:
        Path of the report.

    Raises:
        DistillirError: As the stages do.
    """
    with open_run(output, recipe, anew=anew) as folder:
        walk(folder, OPENING)
        say(f"distillir run: {folder.collection.name} into {output}")
        walk(folder, STEPS)
    clean(folder)
    barrier()
    return folder.report


def clean(folder: RunFolder) -> None:
    """Delete what only a resume would need."""
    if rank() == 0:
        for name in ("query-tokens", "document-tokens", "selection-query-tokens", "selection-document-tokens"):
            shutil.rmtree(folder.work / name, ignore_errors=True)
