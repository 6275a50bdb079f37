"""The queries that the best student is chosen by: of a dev split, or training queries that are held out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distillir.base.arrays import Flags, Rows
from distillir.base.errors import DistillirError
from distillir.base.seeds import SELECTION_QUERIES
from distillir.pipeline.queries import evaluation_queries, repeated_queries, training_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.recipe import Recipe
from distillir.retrieval.ties import all_tied
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set

#: Names of splits that are there to choose by, the first that a collection has.
DEV_SPLITS = ("dev", "validation", "valid", "val")
#: Fewer queries order two students by chance.
FEWEST = 32
#: So many times as many lists stay in training as are held out of it.
REMAIN = 3
#: A twentieth of the training lists at most, if that is not too few: with a tenth of 809 held out a student ended lower
#: than with all of them learnt from (benchmarks/results/default.md).
SHARE = 20
#: The key whose queries they are, in messages.
CHOSEN_BY = "training.select"
#: What messages and metrics call training queries that are held out; no split's name.
HELD_OUT = "held-out training queries"


@dataclass(frozen=True)
class SelectionQueries:
    """The queries that are chosen by.

    Attributes:
        rows: Query rows [Q], ascending.
        split: The dev split that they are of; None: they are held out of training.
    """

    rows: Rows
    split: str | None

    @property
    def name(self) -> str:
        """Their name in messages."""
        return self.split or HELD_OUT


def selects(recipe: Recipe) -> bool:
    """Tell whether a recipe's student is measured while it is trained: with ``auto``, where its method is ``auto``."""
    wanted = recipe.training.select
    return wanted == "dev" or (wanted == "auto" and recipe.method.name == "auto")


def fewest(recipe: Recipe) -> int:
    """Least number of queries: `FEWEST`, or as few as the recipe asks for."""
    return min(FEWEST, recipe.training.select_queries)


def dev_queries(folder: RunFolder) -> SelectionQueries | None:
    """A sample of the dev split, chosen by the seed; None where there is no such split, or too little of it is left.

    Its queries have a relevant document. Those that are learnt from or evaluated, by id or by text, are none of it.
    """
    recipe, collection = folder.recipe, folder.collection
    taken = (recipe.queries.split, recipe.evaluation.split)
    split = next((name for name in DEV_SPLITS if name in collection.splits and name not in taken), None)
    if split is None or not selects(recipe):
        return None
    qrels = collection.qrels(split)
    rows = np.unique(qrels.queries[qrels.grades > 0])
    for others in (evaluation_queries(folder), learnt_queries(folder)):
        rows = np.setdiff1d(rows, np.concatenate([others, repeated_queries(collection, rows, others)]))
    if len(rows) < fewest(recipe):
        return None
    return SelectionQueries(_sample(recipe, rows, recipe.training.select_queries), split)


def learnt_queries(folder: RunFolder, *, some: bool = True) -> Rows:
    """Query rows that are learnt from, whoever mined for them; ``some`` and errors as `training_queries`."""
    if folder.recipe.teaching is None:
        return training_queries(folder, some=some)
    brought = Path(folder.recipe.teaching)  # the run keeps a copy, so it may be gone by now
    lists = open_teaching_set(brought if brought.exists() else folder.teaching, folder.collection)
    return np.unique(lists.queries)


def selection_queries(folder: RunFolder, taught: TeachingSet) -> SelectionQueries | None:
    """The queries that a recipe's student is chosen by; None where it asks for none, or there are none.

    Args:
        folder: The run's.
        taught: The teaching set that training begins with.

    Raises:
        DistillirError: The recipe asks for them by name (``select: dev``), and there are too few.
    """
    recipe = folder.recipe
    if not selects(recipe):
        return None
    found = dev_queries(folder)
    if found is None:
        rows = _held_out(folder, taught)
        found = None if rows is None else SelectionQueries(rows, None)
    if found is None:
        check_found(recipe)
    return found


def check_found(recipe: Recipe) -> None:
    """Refuse, where nothing was found to choose by, a recipe that asks for it by name.

    Raises:
        DistillirError: It does.
    """
    if recipe.training.select == "dev":
        raise DistillirError(
            f"there is nothing to choose the best student by: no dev split with {fewest(recipe)} queries, and fewer "
            f"than {(REMAIN + 1) * fewest(recipe)} training lists to hold some out of",
            where=CHOSEN_BY,
            remedy="set it to none, add training queries or a dev split, or set training.select_queries lower",
        )


def most_held_out(recipe: Recipe, lists: int) -> int:
    """Number of training lists that are held out, of ``lists``; 0 where too few would be, or would remain."""
    count = min(recipe.training.select_queries, lists // (REMAIN + 1), max(lists // SHARE, FEWEST))
    return count if count >= fewest(recipe) else 0


def _held_out(folder: RunFolder, taught: TeachingSet) -> Rows | None:
    """Query rows of the teaching set that are held out, ascending: judged ones if they are many enough, else any."""
    for rows in _choices(folder, taught):
        if count := most_held_out(folder.recipe, len(rows)):
            return _sample(folder.recipe, rows, count)
    return None


def _choices(folder: RunFolder, taught: TeachingSet) -> Iterator[Rows]:
    """Judged queries of the collection that are taught, all of its own that are, and those made of documents too."""
    judged = np.array([bool(taught.relevant(i).any()) for i in range(len(taught))], dtype=bool)
    known = judged.copy()
    for index in np.flatnonzero(~judged).tolist() if taught.has_scores else ():
        known[index] = len(taught.documents(index)) > 1 and not all_tied(taught.scores(index))
    known &= taught.sizes > 1
    evaluated = evaluation_queries(folder)
    rows = np.unique(taught.queries)
    known &= ~np.isin(taught.queries, [*evaluated, *repeated_queries(folder.collection, rows, evaluated)])
    own = ~np.isin(taught.queries, folder.generated)
    for chosen in (known & own & judged, known & own, known):
        yield np.unique(taught.queries[chosen])


def _sample(recipe: Recipe, rows: Rows, most: int) -> Rows:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng([recipe.query_seed, SELECTION_QUERIES]).choice(rows, most, replace=False))


def left_out_queries(folder: RunFolder, taught: TeachingSet, chosen: SelectionQueries) -> Rows:
    """Query rows of a teaching set that are not learnt from: those that are chosen by, and others with their text."""
    queries = np.unique(taught.queries)
    repeated = repeated_queries(folder.collection, queries, chosen.rows)
    return np.intersect1d(queries, np.concatenate([chosen.rows, repeated]))


def held_out_lists(folder: RunFolder, taught: TeachingSet) -> Flags:
    """Mask [Q] of the lists of the first teaching set that are not learnt from.

    Raises:
        DistillirError: As `selection_queries`.
    """
    chosen = selection_queries(folder, taught)
    if chosen is None:
        return np.zeros(len(taught), dtype=bool)
    flags: Flags = np.isin(taught.queries, left_out_queries(folder, taught, chosen))
    return flags
