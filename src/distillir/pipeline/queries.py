"""The queries that a run learns from and is measured on."""

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.seeds import HELD_OUT_QUERIES
from distillir.collections import Collection, Qrels
from distillir.collections.text_identity import text_keys
from distillir.evaluation.held_out import teacher_qrels
from distillir.pipeline.judged_split import split_qrels
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.split_advice import check_splits, making_lines

NO_QRELS = Qrels(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32))


def _pool(folder: RunFolder) -> tuple[Rows, Rows]:
    """Query rows of the collection that may be learnt from, and those that were made of its documents."""
    wanted, collection = folder.recipe.queries, folder.collection
    check_splits(folder.recipe, collection)
    rows = collection.qrels(wanted.split).query_rows if wanted.split else np.empty(0, dtype=np.int64)
    if wanted.unjudged:
        own = len(collection.queries) - len(folder.generated)
        judged = [collection.qrels(split).query_rows for split in collection.splits]
        rows = np.union1d(rows, np.setdiff1d(np.arange(own), np.concatenate([*judged, rows])))
    return rows.astype(np.int64), folder.generated


def _held_out(folder: RunFolder) -> Rows:
    """Queries that are kept from training where no split is evaluated: of the collection's, or else made ones."""
    own, made = _pool(folder)
    pool, wanted = (own if len(own) else made), folder.recipe.evaluation.held_out
    if len(pool) < 2 * wanted:
        raise DistillirError(
            f"{wanted} of {len(pool)} queries would be held out for evaluation",
            where="evaluation.held_out",
            remedy=f"choose at most {len(pool) // 2}" if len(pool) > 1 else "set queries.unjudged or queries.sentences",
        )
    generator = np.random.default_rng([folder.recipe.query_seed, HELD_OUT_QUERIES])
    return np.sort(generator.choice(pool, wanted, replace=False))


def training_queries(folder: RunFolder, *, some: bool = True) -> Rows:
    """Query rows the student learns from, ascending.

    Args:
        folder: The run's.
        some: Whether none at all are refused.

    Raises:
        DistillirError: There is none, or a query of the evaluation split is among them (unless the recipe leaves such
            queries out, and those with the text of one).
    """
    wanted, collection = folder.recipe.queries, folder.collection
    rows, made = _pool(folder)
    if folder.recipe.evaluation.split is None:
        kept = _held_out(folder)
        rows, made = np.setdiff1d(rows, kept), np.setdiff1d(made, kept)
    if wanted.limit is not None and len(rows) > wanted.limit:
        generator = np.random.default_rng(folder.recipe.query_seed)
        rows = np.sort(generator.choice(rows, wanted.limit, replace=False))
    rows = np.concatenate([rows, made])
    evaluated = evaluation_queries(folder)
    if wanted.leave_out_evaluated:
        rows = np.setdiff1d(rows, [*evaluated, *repeated_queries(collection, rows, evaluated)])
    shared = np.intersect1d(rows, evaluated)
    if len(shared):
        raise DistillirError(
            f"{len(shared)} queries are in the training and the evaluation split, "
            f"for example {collection.queries.id(int(shared[0]))!r}",
            where=f"collection {collection.name}",
            remedy="mend the qrels so that the splits share no query, or set queries.leave_out_evaluated",
        )
    if some and not len(rows):
        ways, _ = making_lines(collection)
        raise DistillirError("there is no training query", where="queries", remedy=f"name a split, or write {ways}")
    return rows.astype(np.int64)


def repeated_queries(collection: Collection, training: Rows, evaluated: Rows) -> Rows:
    """Training query rows that have the text of an evaluated query under another id."""
    others = np.setdiff1d(training, evaluated)
    keys = text_keys(collection.queries)
    found: Rows = others[np.isin(keys[others], keys[evaluated])]
    return found


def training_qrels(folder: RunFolder) -> Qrels:
    """Judgements of the training queries; none where the recipe names no split."""
    split = folder.recipe.queries.split
    return folder.collection.qrels(split) if split else NO_QRELS


def evaluation_queries(folder: RunFolder) -> Rows:
    """Query rows of the evaluation, ascending: the judged ones of its split, or those held out."""
    split = folder.recipe.evaluation.split
    return _held_out(folder) if split is None else split_qrels(folder.collection, split).query_rows


def evaluation_qrels(folder: RunFolder) -> Qrels:
    """Judgements of the evaluation split, or the teacher's for the queries held out.

    Raises:
        DistillirError: There is no such split, nothing in it is judged, or the teacher has not ranked.
    """
    from distillir.pipeline.rankings import read_ranking

    split = folder.recipe.evaluation.split
    if split is not None:
        return split_qrels(folder.collection, split)
    folder.need(folder.teacher_run, "score")
    return teacher_qrels(read_ranking(folder, folder.teacher_run))
