"""Lessons: what the student sees, one query with some of its candidates, in a fixed and repeatable order."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from distillir.collections.table import Rows
from distillir.errors import DistillirError
from distillir.retrieval.run import Scores
from distillir.training.overlap import Overlap


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
    "positive_random": "as top_random, with the judged positive that the teacher scores best in place of its best",
}

BATCHES = {
    "shuffled": "queries in random order",
    "overlapping": "queries whose candidate lists overlap share a step, and each is compared on all of its candidates "
    "that the step encodes",
}


class Lessons:
    """The plain plan: every query once an epoch in shuffled order, each with ``candidates`` of its list.

    A lesson depends on the seed and its position alone, never on what was drawn before, so that a resumed run and a
    run in several processes see the same ones. The stream of all epochs is cut to whole steps: at most
    ``queries_per_step - 1`` lessons at its very end are not seen.

    Args:
        lists: Queries with their candidates and signals. Queries with fewer than two candidates teach nothing to a
            listwise objective and are left out.
        epochs: Times each query is seen; may be a fraction.
        queries_per_step: Lessons in one optimiser step over all processes.
        candidates: Most candidates in a lesson; None takes the whole list.
        sample: One of `SAMPLES`.
        batches: One of `BATCHES`. ``overlapping`` is an extension of ours, akin to the topic-aware batches of
            TAS-Balanced (arXiv 2104.06967): a text that is encoded once then serves several queries, so that a step
            compares a multiple of the pairs at the same cost. Lessons of a step then differ in length and may be
            longer than ``candidates``.
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
        batches: str = "shuffled",
        seed: int = 0,
    ) -> None:
        self.lists, self.candidates, self.sample, self.seed = lists, candidates, sample, seed
        self.size = queries_per_step
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
        documents = [lists.documents(int(i)) for i in self._usable] if batches == "overlapping" else []
        self._overlap = Overlap(documents) if documents else None
        self._orders: dict[int, Rows] = {}
        self._pool: tuple[int, Rows] = (-1, self._usable)

    def __len__(self) -> int:
        return self._length

    @property
    def queries_per_epoch(self) -> int:
        """How many queries take part."""
        return len(self._usable)

    def __getitem__(self, position: int) -> Lesson:
        if not 0 <= position < self._length:
            raise IndexError(position)
        epoch, index = self._place(position)
        documents = self.lists.documents(index)
        if self._overlap is None:
            chosen = self._choose(index, epoch)
        else:
            chosen = np.flatnonzero(np.isin(documents, self._step_documents(position // self.size)))
        return Lesson(
            query=int(self.lists.queries[index]),
            documents=documents[chosen],
            teacher=self.lists.scores(index)[chosen],
            relevant=self.lists.relevant(index)[chosen],
        )

    def _place(self, position: int) -> tuple[int, int]:
        """Epoch and index of the query at a position of the stream."""
        epoch, place = divmod(position, len(self._usable))
        return epoch, int(self._usable[self._epoch_order(epoch)[place]])

    def _epoch_order(self, epoch: int) -> Rows:
        if epoch not in self._orders:
            generator = np.random.default_rng([self.seed, epoch])
            if self._overlap is None:
                order = generator.permutation(len(self._usable))
            else:
                # An epoch begins within a step where the last one ended: unrelated queries fill that one up.
                order = np.roll(self._overlap.order(self.size, generator), -epoch * len(self._usable) % self.size)
            # A step may span two epochs, no more are kept.
            self._orders = {key: kept for key, kept in self._orders.items() if abs(key - epoch) == 1} | {epoch: order}
        return self._orders[epoch]

    def _step_documents(self, step: int) -> Rows:
        """The distinct documents that the queries of a step choose."""
        if self._pool[0] != step:
            places = [self._place(position) for position in range(step * self.size, (step + 1) * self.size)]
            rows = [self.lists.documents(index)[self._choose(index, epoch)] for epoch, index in places]
            self._pool = (step, np.unique(np.concatenate(rows)))
        return self._pool[1]

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
        judged = self.lists.relevant(index)[best] if self.sample == "positive_random" else best[:0]
        first = best[int(np.argmax(judged))] if judged.any() else best[0]
        rest = generator.choice(best[best != first], keep - 1, replace=False)
        return np.concatenate([[first], rest])
