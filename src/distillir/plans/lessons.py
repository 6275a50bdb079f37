"""Lessons: a stage's stream of them, in a fixed and repeatable order."""

from collections.abc import Iterator, Sequence

import numpy as np

from distillir.base.arrays import Flags
from distillir.base.errors import DistillirError
from distillir.collections.table import Rows
from distillir.plans.attachment import Attachment, Drawn
from distillir.plans.lesson import Lesson
from distillir.plans.list_form import ListForm
from distillir.plans.overlap import Overlap
from distillir.plans.plain_lists import PlainLists
from distillir.teaching.known_lists import KnownLists
from distillir.teaching.lists import Lists
from distillir.teaching.positives import wanted_positives, with_positive

BATCHES = {
    "shuffled": "queries in random order",
    "overlapping": "queries whose candidate lists overlap share a step, and each is compared on all of its candidates "
    "that the step encodes",
}


class Lessons:
    """Every query once an epoch in each form of list, in shuffled order.

    A lesson depends on the seed and its position alone, never on what was drawn before, so that a resumed run and a
    run in several processes see the same ones. The stream of all epochs is cut to whole steps: at most
    ``queries_per_step - 1`` lessons at its very end are not seen.

    Args:
        lists: Queries with their candidates and signals.
        epochs: Times each query is seen in each form; may be a fraction.
        queries_per_step: Lessons in one optimiser step over all processes.
        forms: How lists are cut from the candidates.
        batches: One of `BATCHES`. ``overlapping`` is an extension of ours, akin to the topic-aware batches of
            TAS-Balanced (arXiv 2104.06967): a text that is encoded once then serves several queries, so that a step
            compares a multiple of the pairs at the same cost. Lessons of a step then differ in length and may be
            longer than their form says.
        signals: What is added to lessons, each by its name; one may choose other candidates too, or keep a list back.
        positives: Each list holds a judged positive of its query where its candidates do. Objectives that compare
            positives need that; lists of others are those of ``False``, bit for bit.
        pseudo_positives: What stands for a positive (`distillir.teaching.positives.wanted_positives`).
        usable: Which lists take part [Q] (`distillir.plans.usable_lists`); None: those of two candidates or more.
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
        forms: Sequence[ListForm] = (PlainLists(),),
        batches: str = "shuffled",
        signals: Sequence[Attachment] = (),
        positives: bool = False,
        pseudo_positives: bool | str = False,
        usable: Flags | None = None,
        seed: int = 0,
    ) -> None:
        self.lists, self.forms, self.signals = lists, tuple(forms), tuple(signals)
        self.positives, self.pseudo_positives, self.seed = positives, pseudo_positives, seed
        self._step = queries_per_step
        sizes = np.array([len(lists.documents(i)) for i in range(len(lists.queries))], dtype=np.int64)
        self._usable = np.flatnonzero(sizes > 1 if usable is None else usable)
        if usable is not None and (sizes > 1).any() and not len(self._usable):
            raise DistillirError(
                "every list has one teacher score throughout: nothing can be learnt from them",
                remedy="score them with a teacher that tells candidates apart, or compare judgements alone (info_nce)",
            )
        if not len(self._usable):
            raise DistillirError(
                "no query has two candidates to compare", remedy="mine deeper (candidates.depth) or add queries"
            )
        longest = max((form.size or 0 for form in self.forms), default=0)
        #: How many of the queries have fewer candidates than the longest form of list asks for.
        self.short = int((sizes[self._usable] < longest).sum())
        wanted = round(epochs * self.per_epoch)
        self._length = wanted // queries_per_step * queries_per_step
        if not self._length:
            raise DistillirError(
                f"{wanted} lessons are fewer than one step takes ({queries_per_step})",
                where="training.queries_per_step",
                remedy=f"choose at most {max(wanted, 1)}, or more epochs",
            )
        self._overlap: Overlap | None = None
        if batches == "overlapping":
            self._overlap = Overlap([lists.documents(int(i)) for i in self._usable for _ in self.forms])
        self._orders: dict[int, Rows] = {}
        self._pool: tuple[int, Rows] = (-1, self._usable)

    def __len__(self) -> int:
        return self._length

    @property
    def per_epoch(self) -> int:
        """Lessons in an epoch: the queries that take part, times the forms of list."""
        return len(self._usable) * len(self.forms)

    def __getitem__(self, position: int) -> Lesson:
        if not 0 <= position < self._length:
            raise IndexError(position)
        epoch, index, form = self._place(position)
        documents, scores, relevant = self._list(index)
        if self._overlap is None:
            chosen = self._choose(epoch, index, form)
        else:
            chosen = np.flatnonzero(np.isin(documents, self._step_documents(position // self._step)))
        labels = self.forms[form].labels(scores, relevant)
        if isinstance(self.lists, KnownLists):
            labels = self.lists.levelled(index, labels)
        drawn = Drawn(index, chosen, position / self._length, epoch, self.seed)
        return Lesson(
            query=int(self.lists.queries[index]),
            documents=documents[chosen],
            teacher=scores[chosen],
            labels=labels[chosen],
            relevant=relevant[chosen],
            known=documents,
            outside=self.forms[form].outside(scores),
            signals={signal.name: signal.attach(drawn) for signal in self.signals},
            open=all(signal.lets_list_through(index, drawn.progress) for signal in self.signals),
        )

    def drawn_lists(self) -> Iterator[tuple[int, int, float]]:
        """Of each position: the epoch from 0, the number of the list, and the part of all lessons before it."""
        for position in range(self._length):
            epoch, index, _ = self._place(position)
            yield epoch, index, position / self._length

    def _list(self, index: int) -> tuple[Rows, np.ndarray, np.ndarray]:
        return self.lists.documents(index), self.lists.scores(index), self.lists.relevant(index)

    def _place(self, position: int) -> tuple[int, int, int]:
        """Epoch, index of the query and number of the form at a position of the stream."""
        epoch, place = divmod(position, self.per_epoch)
        query, form = divmod(int(self._epoch_order(epoch)[place]), len(self.forms))
        return epoch, int(self._usable[query]), form

    def _epoch_order(self, epoch: int) -> Rows:
        if epoch not in self._orders:
            generator = np.random.default_rng([self.seed, epoch])
            if self._overlap is None:
                order = generator.permutation(self.per_epoch)
            else:
                # An epoch begins within a step where the last one ended: unrelated queries fill that one up.
                order = np.roll(self._overlap.order(self._step, generator), -epoch * self.per_epoch % self._step)
            # A step may span two epochs, no more are kept.
            self._orders = {key: kept for key, kept in self._orders.items() if abs(key - epoch) == 1} | {epoch: order}
        return self._orders[epoch]

    def _step_documents(self, step: int) -> Rows:
        """The distinct documents that the queries of a step choose [T], ascending."""
        if self._pool[0] != step:
            places = [self._place(position) for position in range(step * self._step, (step + 1) * self._step)]
            rows = [self.lists.documents(index)[self._choose(epoch, index, form)] for epoch, index, form in places]
            self._pool = (step, np.unique(np.concatenate(rows)))
        return self._pool[1]

    def _choose(self, epoch: int, index: int, form: int) -> Rows:
        """Places of the candidates that a form takes of a query's list."""
        cut = self.forms[form]
        drawn = [self.seed, epoch, index, 1] if cut.redraw else [self.seed, index, 2, form]
        _, scores, relevant = self._list(index)
        positives = wanted_positives(scores, relevant, self.pseudo_positives) if self.positives else None
        chosen = cut.choose(scores, relevant, np.random.default_rng(drawn), positives=positives)
        for signal in self.signals:
            others = signal.shown(index, chosen, drawn)
            if others is not chosen:
                chosen = with_positive(others, scores, positives)
        return chosen
