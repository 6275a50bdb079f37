"""Shared parts of all trials: candidates, scores, the student before training, and the queries that measure."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distillir.composition.compose import compose
from distillir.composition.settled import Settled
from distillir.pipeline.mine import mine_stage, prepare_student
from distillir.pipeline.open_run import open_run
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.score import score_stage
from distillir.pipeline.selection import selection
from distillir.pipeline.settle import settle_recipe
from distillir.pipeline.step import walk
from distillir.pipeline.steps import OPENING, named
from distillir.pipeline.suggested import labels_weight, suggested_temperature
from distillir.recipe import Recipe
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set
from distillir.training.selection import Selection


@dataclass(frozen=True)
class Shared:
    """The data that all trials learn from and are measured on.

    Attributes:
        folder: A run's folder with everything before training; its recipe is settled.
        taught: The teaching set.
        chosen: Queries and pool that every trial is measured by, whatever its settings.
        suggested: Temperatures and rate that a run suggests.
    """

    folder: RunFolder
    taught: TeachingSet
    chosen: Selection
    suggested: Settled

    @property
    def learnt(self) -> int:
        """Number of lists that are learnt from."""
        return int((~np.isin(self.taught.queries, self.chosen.left_out)).sum())

    @property
    def judged(self) -> bool:
        """Tell whether one of the lists holds a judged positive."""
        return any(bool(self.taught.relevant(index).any()) for index in range(len(self.taught)))


def trial_recipe(recipe: Recipe) -> Recipe:
    """A recipe as its trials are trained: the best state is kept, and no further collection is measured on."""
    value = recipe.resolved()
    value["training"]["select"] = "dev"
    value["evaluation"]["also"] = []
    return Recipe.model_validate(value)


@contextmanager
def prepared(path: Path, recipe: Recipe, *, anew: bool) -> Iterator[Shared]:
    """Mine and score for the training queries, once; the evaluation queries are neither mined for nor scored.

    Args:
        path: Folder of what is shared.
        recipe: As `trial_recipe` gives it.
        anew: As in `open_run`.

    Raises:
        DistillirError: As the stages do, or there is nothing to measure by.
    """
    with open_run(path, recipe, "train", anew=anew) as folder:
        walk(folder, (*OPENING, *named("queries")))
        mine_stage(folder, evaluated=False)
        score_stage(folder, evaluated=False)
        walk(folder, named("teaching set"))
        prepare_student(folder)
        settle_recipe(folder)
        taught = open_teaching_set(folder.teaching, folder.collection)
        chosen = selection(folder, compose(folder.recipe), taught)
        assert chosen is not None  # a recipe that selects by name is refused where there is nothing to select by
        kind, model = folder.recipe.student.own_kind, folder.initial_student
        suggested = Settled(
            suggested_temperature(folder) or 1.0, kind.temperature(model), kind.rate(model), labels_weight(folder)
        )
        yield Shared(folder, taught, chosen, suggested)
