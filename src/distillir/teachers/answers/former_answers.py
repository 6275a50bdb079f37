"""Answers kept by earlier versions with fewer checks: they are used where a sample of them proves right."""

from collections.abc import Callable

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.progress import say
from distillir.language_models.asker import UNANSWERED
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import Keys

#: So many are asked again, evenly spread, and so far may the log-odds of each lie from what was kept (servers round).
SAMPLE, TOLERANCE = 4, 0.5


def take_over(
    former: ScoreCache, cache: ScoreCache, keys: Keys, places: Rows, ask: Callable[[Rows], None], name: str
) -> Rows:
    """Ask again for a sample of the answers that earlier versions kept; if it agrees, take over the others.

    What is wrong with such answers (words too unlikely to be compared, words in another form) is wrong with all answers
    of a model to one question, so that a few tell.

    Args:
        former: The answers of earlier versions.
        cache: Those of this one.
        keys: Of what is wanted.
        places: Places in ``keys`` that ``cache`` does not hold.
        ask: Told places, puts answers into ``cache``.
        name: Of the model.

    Returns:
        The places that are still to be asked.
    """
    kept = former.get(keys[places])
    usable = np.flatnonzero(~np.isnan(kept) & (kept != UNANSWERED))
    if not len(usable):
        return places
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, min(SAMPLE, len(usable))).astype(np.int64))]
    ask(places[chosen])
    again = cache.get(keys[places[chosen]])
    rest = np.setdiff1d(usable, chosen)
    # NaN, of what gave no answer this time, is not near.
    if (np.abs(again - kept[chosen]) <= TOLERANCE).all():
        cache.put(keys[places[rest]], kept[rest])
        left = np.setdiff1d(np.arange(len(places)), usable)
        if len(rest):
            say(f"{name}: {len(rest)} answers of an earlier version are used; {len(chosen)} asked again were the same")
    else:
        left = np.setdiff1d(np.arange(len(places)), chosen)
        say(f"{name}: {len(rest)} answers of an earlier version are asked again: {len(chosen)} of them did not hold")
    return places[left]
