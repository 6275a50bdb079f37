"""The time of a search: the rest of it, and the expected length of a trial."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from distillir.recipe import Recipe
from distillir.tuning.study import Tried


class TrialBudget:
    """Time for trials in seconds, that of earlier calls included.

    Args:
        seconds: All of them.
        spent: By trials of earlier calls.
        clock: Seconds that only rise.
    """

    def __init__(self, seconds: float, spent: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.spent, self.clock = seconds, spent, clock
        self._begin = clock()

    @property
    def left(self) -> float:
        """Seconds that are left; not below 0."""
        return max(0.0, self.seconds - self.spent - (self.clock() - self._begin))


def work(recipe: Recipe, lists: int, longest: int) -> tuple[int, int]:
    """Steps of a trial, and candidates that a query has in each.

    Args:
        recipe: Its settings.
        lists: Lists that are learnt from.
        longest: Candidates of the longest list.
    """
    training = recipe.training
    steps = round(training.epochs * lists) // training.queries_per_step
    return steps, min(training.candidates_per_query or longest, longest)


def expected(size: tuple[int, int], tried: Sequence[tuple[Tried, int]]) -> float:
    """Seconds that a trial would take by those that were made; 0 where none was.

    Args:
        size: Its steps and candidates.
        tried: Trials, and candidates of each.
    """
    each = [trial.seconds / (trial.done * candidates) for trial, candidates in tried if trial.done and trial.seconds]
    return float(np.median(each)) * size[0] * size[1] if each else 0.0
