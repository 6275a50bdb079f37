"""Recipe lines for a collection that lacks the split to learn from or to be measured on."""

import numpy as np

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.generated import count_makeable
from distillir.composition.compose import compose
from distillir.recipe import Recipe
from distillir.signals.signal import JUDGEMENTS

MADE = 500  # queries that the advice asks for, or as many as the documents give


def check_splits(recipe: Recipe, collection: Collection) -> None:
    """Refuse a recipe whose splits the collection does not have.

    Raises:
        DistillirError: It lacks one; the remedy is the lines of a recipe that work with this collection.
    """
    learnt, measured = recipe.queries.split, recipe.evaluation.split
    lacks_measured = measured is not None and measured not in collection.splits
    if learnt is not None and learnt not in collection.splits:
        known = f"splits: {', '.join(collection.splits)}" if collection.splits else "it has no judgements"
        raise DistillirError(
            f"{collection.name} has no split {learnt!r} to learn from ({known})",
            where="queries.split",
            remedy=_learning_lines(recipe, collection, lacks_measured),
        )
    if lacks_measured:
        others = [split for split in collection.splits if split != learnt]
        ways = [f"evaluation: {others[-1]}"] if others else []
        if recipe.teacher is not None:
            ways.append("evaluation: {split: null}: queries are held out of training, and the teacher judges them")
        remedy = f"write {', or '.join(ways)}" if ways else "add judgements of such a split, or name a teacher"
        raise DistillirError(
            f"{collection.name} has no split {measured!r} to measure on "
            + (f"(splits: {', '.join(collection.splits)})" if collection.splits else "(it has no judgements)"),
            where="evaluation.split",
            remedy=remedy,
        )


def making_lines(collection: Collection) -> tuple[str, int]:
    """The recipe's line that gives training queries without a split, and how many queries it gives at least."""
    judged = [collection.qrels(split).query_rows for split in collection.splits]
    known = np.unique(np.concatenate(judged)) if judged else np.empty(0, dtype=np.int64)
    unjudged = len(collection.queries) - len(known)
    ways, counts = [], []
    if unjudged > 1:
        ways.append(f"queries: {{split: null, unjudged: true}} (the {unjudged:,} queries without judgements)")
        counts.append(unjudged)
    for kind in ("title", "sentence"):
        count = count_makeable(kind, collection, MADE)
        if count:
            ways.append(f"queries: {{split: null, {kind}s: {count}}} ({kind}s of documents as queries)")
            counts.append(count)
    return ", or ".join(ways), min(counts, default=0)


def _judgements_alone(recipe: Recipe) -> bool:
    """Tell whether judged positives are all that is learnt from, which queries made of documents do not have."""
    method = compose(recipe)
    return JUDGEMENTS in method.needs and not method.needs_scores and not recipe.training.pseudo_positives


def _learning_lines(recipe: Recipe, collection: Collection, lacks_measured: bool) -> str:
    measured = recipe.evaluation.split
    others = [split for split in collection.splits if split != measured]
    named = ", or ".join(f"queries: {split}" for split in others)
    if _judgements_alone(recipe):
        lines = f"add judgements, all that {compose(recipe).name} learns from, or name a teacher and objective: kl"
        return f"write {named}, or {lines}" if named else lines
    ways, count = making_lines(collection)
    ways = ", or ".join(part for part in (named, ways) if part)
    if not ways:
        return "add queries, or documents with sentences of which queries can be made"
    if lacks_measured and not others:
        held = _held_out(recipe, count)
        return f"write {ways}; and evaluation: {held} (queries are held out, and the teacher judges them)"
    if measured is None or others or recipe.teacher is None:
        return f"write {ways}"
    held = _held_out(recipe, len(collection.qrels(measured).query_rows))
    return f"write {ways}; or learn from {measured} itself: queries: {measured} and evaluation: {held}"


def _held_out(recipe: Recipe, count: int) -> str:
    """The value of ``evaluation`` that holds queries out of so many."""
    fits = 2 * recipe.evaluation.held_out <= count
    return "{split: null}" if fits else f"{{split: null, held_out: {max(1, count // 5)}}}"
