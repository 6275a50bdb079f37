"""Pairs to lessons: which pairs a lesson holds, and their documents first in its list."""

from dataclasses import dataclass

import numpy as np
import xxhash

from distillir.collections.table import Rows
from distillir.plans.attachment import Attachment, Drawn
from distillir.retrieval.run import Scores
from distillir.signals.preferences.pair_set import Pairs


@dataclass(frozen=True)
class LessonPairs:
    """Pairs that a lesson holds.

    Attributes:
        places: Of the two in the lesson's documents [M, 2].
        preferences: The pairwise teacher's P(first beats second) [M].
    """

    places: Rows
    preferences: Scores


class PairLists(Attachment):
    """The pairs of a teaching set, by list.

    Args:
        pairs: All of them.
        first: Whether their documents come first into a lesson's list.
    """

    name = "pairs"

    def __init__(self, pairs: Pairs, *, first: bool = True) -> None:
        self.first = first
        #: Hash of the pairs and preferences (hex).
        self.fingerprint = xxhash.xxh3_128_hexdigest(
            b"".join(values.tobytes() for values in (pairs.lists, pairs.first, pairs.second, pairs.preferences))
        )
        self._preferences = pairs.preferences
        self._places = np.stack([pairs.first, pairs.second], axis=1)
        lists, starts = np.unique(pairs.lists, return_index=True)
        ends = np.append(starts[1:], [len(pairs)] if len(pairs) else [])
        self._parts = {
            int(index): slice(int(start), int(end)) for index, start, end in zip(lists, starts, ends, strict=True)
        }

    def shown(self, index: int, chosen: Rows, drawn: list[int]) -> Rows:
        """As `put_first`, where the recipe wants it; see `Attachment.shown`."""
        return self.put_first(index, chosen, np.random.default_rng([*drawn, 4])) if self.first else chosen

    def attach(self, drawn: Drawn) -> LessonPairs:
        """The pairs of a lesson's list."""
        return LessonPairs(*self.within(drawn.index, drawn.chosen))

    def of(self, index: int) -> tuple[Rows, Scores]:
        """Pairs [P, 2] of places in the ``index``-th list and their preferences [P]."""
        part = self._parts.get(index, slice(0, 0))
        return self._places[part], self._preferences[part]

    def put_first(self, index: int, chosen: Rows, generator: np.random.Generator) -> Rows:
        """As many places as were chosen: the documents of whole pairs, in random order, then of the chosen ones.

        As in PairDistill, whose lists of 64 hold the documents of the pairs and are filled from the rest.

        Args:
            index: Of the list.
            chosen: Places [N] that a form of list takes.
            generator: For the order of the pairs.
        """
        pairs, _ = self.of(index)
        first: dict[int, None] = {}
        for pair in pairs[generator.permutation(len(pairs))].tolist():
            new = [place for place in pair if place not in first]
            if len(first) + len(new) <= len(chosen):
                first.update(dict.fromkeys(new))
        own = np.fromiter(first, dtype=np.int64, count=len(first))
        others = chosen[~np.isin(chosen, own)][: len(chosen) - len(own)]
        return np.concatenate([own, others])

    def within(self, index: int, chosen: Rows) -> tuple[Rows, Scores]:
        """Pairs [M, 2] of places in a lesson's list, whose two documents it both holds, and their preferences [M].

        Args:
            index: Of the list.
            chosen: Places of the candidates that the lesson shows.
        """
        pairs, preferences = self.of(index)
        both = np.isin(pairs, chosen).all(axis=1)
        order = np.argsort(chosen, kind="stable")
        return order[np.searchsorted(chosen[order], pairs[both])].reshape(-1, 2), preferences[both]
