"""Base of the package's teachers: counts of their answers, and refusal of scores that are not finite."""

from collections.abc import Mapping, Sequence

import numpy as np

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.retrieval.run import Scores
from distillir.teachers.teacher import Teacher

#: A teacher that counts what it was asked: every one.
CountedTeacher = Teacher


#: What is told of the counts of a language model's answers.
_MATTERS = {
    "neither": "answered neither of the two words",
    "tail": "with hardly any probability of the two words",
    "thinking": "thoughts in place of an answer",
    "bounded": "told one of the two words alone (the other is as unlikely as can be told)",
    "refused": "refused",
    "no log-probabilities": "without log-probabilities",
    "rejected": "rejected by the server, or answered with something else",
    "failed": "never came",
    "imitated": "about texts that hold the prompt's own labels",
}


def calls_told(calls: Mapping[str, int]) -> str:
    """A phrase on the counts of calls: asked, cached, and unusual answers by the reason."""
    matters = [
        f"{count} {_MATTERS.get(name, name)}" for name, count in calls.items() if name not in ("asked", "cached")
    ]
    return "; ".join([f"{calls['asked']} pairs asked, {calls['cached']} from the cache", *matters])


def added(calls: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Sum of two counts of calls."""
    return {name: calls.get(name, 0) + more.get(name, 0) for name in {**calls, **more}}


def check_finite(teacher: str, collection: Collection, queries: Rows, documents: Rows, scores: Scores) -> None:
    """Refuse NaN and infinities among the scores [N] of aligned pairs.

    Raises:
        DistillirError: Naming the first such query and document by id.
    """
    wrong = np.flatnonzero(~np.isfinite(scores))
    if len(wrong):
        query, document = collection.queries.id(int(queries[wrong[0]])), collection.corpus.id(int(documents[wrong[0]]))
        raise DistillirError(
            f"scored query {query!r} and document {document!r} as {scores[wrong[0]]}",
            where=f"teacher {teacher}",
            remedy="check the model, or use precision: float32; no score of this batch was kept",
        )


def flatten(queries: Rows, lists: Sequence[Rows]) -> tuple[Rows, Rows, Rows]:
    """Aligned query rows and document rows [N] of ragged lists, and the places [Q - 1] where to split them again."""
    sizes = np.fromiter((len(rows) for rows in lists), dtype=np.int64, count=len(lists))
    flat = np.concatenate([np.asarray(rows, dtype=np.int64) for rows in lists]) if len(lists) else np.empty(0, np.int64)
    return np.repeat(np.asarray(queries, dtype=np.int64), sizes), flat, np.cumsum(sizes)[:-1]


def unflatten(scores: Scores, ends: Rows, count: int) -> list[Scores]:
    """The ``count`` lists that `flatten` joined."""
    return np.split(scores, ends) if count else []
