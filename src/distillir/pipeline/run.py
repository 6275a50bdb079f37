"""The whole run: every stage in order, each passed over where its files are there."""

import shutil
from pathlib import Path

from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.pipeline.checks import check_queries, check_teaching
from distillir.pipeline.cut_texts import tell_cut_texts
from distillir.pipeline.evaluate import evaluate, search_before
from distillir.pipeline.mine import mine
from distillir.pipeline.named_models import look_at_models
from distillir.pipeline.open_run import open_run
from distillir.pipeline.report import report
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.score import score
from distillir.pipeline.signal_place import prepare_signals
from distillir.pipeline.train import train
from distillir.recipe import Recipe


def run(recipe: Recipe, output: Path, *, anew: bool = False) -> Path:
    """Do everything a recipe asks for.

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
        look_at_models(folder, again=True)
        tell_cut_texts(folder)
        say(f"distillir run: {folder.collection.name} into {output}")
        if recipe.teaching is None:
            check_queries(folder)
        else:
            check_teaching(folder, Path(recipe.teaching))
        mine(folder)
        score(folder)
        check_teaching(folder, folder.teaching)
        prepare_signals(folder)
        search_before(folder)
        train(folder)
        evaluate(folder)
        path = report(folder)
    clean(folder)
    barrier()
    return path


def clean(folder: RunFolder) -> None:
    """Delete what only a resume would need."""
    if rank() == 0:
        for name in ("query-tokens", "document-tokens", "selection-query-tokens", "selection-document-tokens"):
            shutil.rmtree(folder.work / name, ignore_errors=True)
