"""Judgements of a split that is measured on."""

from distillir.base.errors import DistillirError
from distillir.collections import Collection, Qrels


def split_qrels(collection: Collection, split: str, where: str | None = "evaluation.split") -> Qrels:
    """Judgements of a split that is to be measured on; ``where`` is the key that names it.

    Raises:
        DistillirError: There is no such split, or nothing in it is judged.
    """
    if not collection.splits:
        raise DistillirError(
            f"{collection.name} has no judgements",
            where=where,
            remedy="write evaluation: {split: null}: queries are held out of training, and the teacher judges them",
        )
    qrels = collection.qrels(split)
    if not len(qrels):
        raise DistillirError(f"split {split!r} of {collection.name} has no judgement", where=where)
    if not (qrels.grades > 0).any():
        raise DistillirError(
            f"split {split!r} of {collection.name} judges no document relevant",
            where=where,
            remedy="a grade above 0 means relevant",
        )
    return qrels
