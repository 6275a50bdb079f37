"""Which queries a run learns from and is measured on."""

import numpy as np

from distillir.collections import Collection, Qrels
from distillir.collections.table import Rows
from distillir.errors import DistillirError
from distillir.pipeline.run_folder import RunFolder

NO_QRELS = Qrels(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32))


def training_queries(folder: RunFolder) -> Rows:
    """Query rows the student learns from, ascending.

    Raises:
        DistillirError: There is none, or a query of the evaluation split is among them.
    """
    wanted, collection = folder.recipe.queries, folder.collection
    rows = collection.qrels(wanted.split).query_rows if wanted.split else np.empty(0, dtype=np.int64)
    if wanted.unjudged:
        own = len(collection.queries) - len(folder.generated)
        judged = [collection.qrels(split).query_rows for split in collection.splits]
        rows = np.union1d(rows, np.setdiff1d(np.arange(own), np.concatenate([*judged, rows])))
    if wanted.limit is not None and len(rows) > wanted.limit:
        generator = np.random.default_rng(folder.recipe.query_seed)
        rows = np.sort(generator.choice(rows, wanted.limit, replace=False))
    rows = np.concatenate([rows, folder.generated])
    shared = np.intersect1d(rows, evaluation_queries(folder))
    if len(shared):
        raise DistillirError(
            f"{len(shared)} queries are in the training and the evaluation split, "
            f"for example {collection.queries.id(int(shared[0]))!r}",
            where=f"collection {collection.name}",
            remedy="mend the qrels so that the splits share no query",
        )
    if not len(rows):
        raise DistillirError(
            "there is no training query", where="queries", remedy="name a split, or set queries.sentences"
        )
    return rows.astype(np.int64)


def training_qrels(folder: RunFolder) -> Qrels:
    """Judgements of the training queries; none where the recipe names no split."""
    split = folder.recipe.queries.split
    return folder.collection.qrels(split) if split else NO_QRELS


def evaluation_queries(folder: RunFolder) -> Rows:
    """Judged query rows of the evaluation split, ascending."""
    return evaluation_qrels(folder.collection, folder.recipe.evaluation.split).query_rows


def evaluation_qrels(collection: Collection, split: str) -> Qrels:
    """Judgements of the evaluation split.

    Raises:
        DistillirError: There is no such split, or nothing in it is judged.
    """
    qrels = collection.qrels(split)
    if not len(qrels):
        raise DistillirError(f"split {split!r} of {collection.name} has no judgement", where="evaluation.split")
    if not (qrels.grades > 0).any():
        raise DistillirError(
            f"split {split!r} of {collection.name} judges no document relevant",
            where="evaluation.split",
            remedy="a grade above 0 means relevant",
        )
    return qrels
