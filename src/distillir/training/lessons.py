"""Lessons: what the student sees, one query with some of its candidates, in a fixed and repeatable order."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from distillir.collections.table import Rows
from distillir.errors import DistillirError
from distillir.retrieval.run import Scores


@dataclass(frozen=True)
class Lesson:
    """One query and the candidates it is compared on.

    Attributes:
        query: Query row.
        documents: Candidate document rows [N].
        teacher: Raw teacher scores [N], float32.
        relevant: Judged relevant or not [N], bool.
    """

    query: int
    documents: Rows
    teacher: Scores
    relevant: npt.NDArray[np.bool_]


class Lists(Protocol):
    """What a plan reads: a `TeachingSet`, or anything with the same few members."""

    @property
    def queries(self) -> Rows:
        """Query rows [Q]."""

    def documents(self, index: int) -> Rows:
        """Candidate rows of the ``index``-th query."""

    def scores(self, index: int) -> Scores:
        """Their teacher scores."""

    def relevant(self, index: int) -> npt.NDArray[np.bool_]:
        """Whether each is judged relevant."""


SAMPLES = {
    "top": "the best candidates by the teacher's score",
    "random": "candidates at random, drawn anew each epoch",
    "top_random": "the teacher's best candidate and the rest at random, drawn anew each epoch",
}


class Lessons:
    """The plain plan: every query once an epoch in shuffled order, each with ``candidates`` of its list.

    A lesson depends on the seed, its epoch and its query alone, never on what was drawn before, so that a resumed
    run and a run in several processes see the same ones. The stream of all epochs is cut to whole steps: at most
    ``queries_per_step - 1`` lessons at its very end are not seen.

    Args:
        lists: Queries with their candidates and signals. Queries with fewer than two candidates teach nothing to a
            listwise objective and are left out.
        epochs: Times each query is seen; may be a fraction.
        queries_per_step: Lessons in one optimiser step over all processes.
        candidates: Most candidates in a lesson; None takes the whole list.
        sample: One of `SAMPLES`.
        seed: For order and sampling.

    Raises:
        DistillirError: No query has two candidates, or there are fewer lessons than one step takes.
    """

    def __init__(
        self,
        lists: Lists,
        *,
        epochs: float,
        queries_per_step: int,
        candidates: int | None,
        sample: str = "top_random",
        seed: int = 0,
    ) -> None:
        self.lists, self.candidates, self.sample, self.seed = lists, candidates, sample, seed
        self._usable = np.array([i for i in range(len(lists.queries)) if len(lists.documents(i)) > 1], dtype=np.int64)
        if not len(self._usable):
            raise DistillirError(
                "no query has two candidates to compare", remedy="mine deeper (candidates.depth) or add queries"
            )
        wanted = round(epochs * len(self._usable))
        self._length = wanted // queries_per_step * queries_per_step
        if not self._length:
            raise DistillirError(
                f"{wanted} lessons are fewer than one step takes ({queries_per_step})",
                where="training.queries_per_step",
                remedy=f"choose at most {max(wanted, 1)}, or more epochs",
            )
        self._order: tuple[int, Rows] = (-1, self._usable)

    def __len__(self) -> int:
        return self._length

    @property
    def queries_per_epoch(self) -> int:
        """How many queries take part."""
        return len(self._usable)

    def __getitem__(self, position: int) -> Lesson:
        if not 0 <= position < self._length:
            raise IndexError(position)
        epoch, place = divmod(position, len(self._usable))
        if self._order[0] != epoch:
            generator = np.random.default_rng([self.seed, epoch])
            self._order = (epoch, generator.permutation(self._usable))
        index = int(self._order[1][place])
        chosen = self._choose(index, epoch)
        return Lesson(
            query=int(self.lists.queries[index]),
            documents=self.lists.documents(index)[chosen],
            teacher=self.lists.scores(index)[chosen],
            relevant=self.lists.relevant(index)[chosen],
        )

    def _choose(self, index: int, epoch: int) -> Rows:
        scores = self.lists.scores(index)
        size = len(scores)
        keep = size if self.candidates is None else min(self.candidates, size)
        if keep == size:
            return np.arange(size)
        best = np.argsort(-scores, kind="stable")
        if self.sample == "top":
            return best[:keep]
        generator = np.random.default_rng([self.seed, epoch, index, 1])
        if self.sample == "random":
            return np.sort(generator.choice(size, keep, replace=False))
        rest = generator.choice(best[1:], keep - 1, replace=False)
        return np.concatenate([best[:1], rest])
