"""A teacher that nothing is judged beside, held against the order that its candidates were mined in."""

import numpy as np

from distillir.base.progress import say
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.selection_queries import selects
from distillir.teaching.teaching_set import TeachingSet

#: Where the teacher's best candidate stands in the mined order, as a share of the list, in the mean: 0.5 is chance. Of
#: three teachers on squadshifts-wiki it is 0.01, 0.27 and 0.47, and students of the last gain nothing
#: (benchmarks/results/default.md). The threshold is ours.
CHANCE = 0.4
#: Fewer or shorter lists are not judged.
LEAST_LISTS, LEAST_CANDIDATES = 24, 8


def tell_agreement(folder: RunFolder, lists: TeachingSet) -> None:
    """Warn where a student is chosen by a teacher's word alone, and its order of the candidates is chance.

    Of the default method, on queries of which none is judged: then the teacher is all that says what is better, in
    training and in choosing, and a student that follows it may end below its start unseen.

    Args:
        folder: The run's.
        lists: Its teaching set, whose candidates stand in the order of mining.
    """
    recipe = folder.recipe
    if recipe.method.name != "auto" or not selects(recipe) or recipe.teaching is not None or not lists.has_scores:
        return
    if any(lists.relevant(index).any() for index in range(len(lists))):
        return
    place = place_of_best(lists)
    if place is not None and place >= CHANCE:
        say(
            f"No query is judged, and the teacher's best candidate stands at {100 * place:.0f} % of the mined list in "
            "the mean, where chance has 50 %: nothing says that a student of it will gain. Judge some queries, or take "
            "another teacher"
        )


def place_of_best(lists: TeachingSet) -> float | None:
    """Place of the teacher's best candidate in the mined order: mean over lists of 0 (first) to 1 (last).

    Args:
        lists: A teaching set with scores; lists of fewer than `LEAST_CANDIDATES`, or of one score, are left out.

    Returns:
        None of fewer than `LEAST_LISTS` lists.
    """
    places = []
    for index in range(len(lists)):
        scores = np.asarray(lists.scores(index))
        if len(scores) >= LEAST_CANDIDATES and scores.max() > scores.min():
            places.append(float(np.mean(np.flatnonzero(scores == scores.max()))) / (len(scores) - 1))
    return float(np.mean(places)) if len(places) >= LEAST_LISTS else None
