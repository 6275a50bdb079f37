"""Dark lists: the positive and dark examples of a query, which a lesson may hold beside its list (ADAM)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from distillir.base.arrays import Flags
from distillir.collections.table import Rows
from distillir.plans.attachment import Attachment, Drawn
from distillir.retrieval.run import Scores
from distillir.signals.dark_examples.choose import choose_dark
from distillir.signals.dark_examples.dark_set import DarkSet
from distillir.signals.dark_examples.gate import confidence, threshold
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.teaching.known_lists import KnownLists
from distillir.teaching.lists import Lists

if TYPE_CHECKING:
    from distillir.signals.dark_examples.dark_set import DarkList
    from distillir.signals.preferences.pair_lists import PairLists


@dataclass(frozen=True)
class DarkLesson:
    """What a lesson holds beside its list.

    Attributes:
        documents: Document rows [M]: the positive, the lesson's other candidates where the recipe wants them, and the
            dark texts, whose rows follow the corpus's.
        teacher: The teacher's scores [M].
        relevant: True for what is judged relevant, and for the positive [M].
        open: Whether the gate lets it through.
        pairs: Places [P, 2] in ``documents`` of pairs that a pairwise teacher has compared; None without one.
        preferences: Its P(first beats second) of them [P].
    """

    documents: Rows
    teacher: Scores
    relevant: Flags
    open: bool
    pairs: Rows | None = None
    preferences: Scores | None = None


class DarkLists(Attachment):
    """The dark lists of a teaching set, as a recipe asks for them.

    Args:
        dark: All dark texts and their scores.
        lists: The teaching set they were made of.
        spec: What of them is learnt from, and whose.
        first_row: Row of the first dark text: the number of documents of the corpus.
        pairs: Pairs among a list's positive (place 0) and its dark texts (places from 1).
    """

    name = "dark"

    def __init__(
        self, dark: DarkSet, lists: Lists, spec: DarkSpec, first_row: int, pairs: "PairLists | None" = None
    ) -> None:
        self.dark, self.lists, self.spec, self.first_row, self.pairs = dark, lists, spec, first_row, pairs
        gate = spec.gate
        #: How sure the teacher is, of each list that has a dark text to choose.
        self.confidences = {
            index: confidence(lists.scores(index), found.positive, gate.confidence, gate.temperature) if gate else 1.0
            for index, found in dark.lists.items()
            if len(self.choose(index, np.random.default_rng(0)))
        }
        self._all = np.array(sorted(self.confidences.values()), dtype=np.float64)

    @property
    def rows(self) -> Rows:
        """Rows of all dark texts, as they follow the corpus's."""
        return np.arange(self.first_row, self.first_row + len(self.dark.texts), dtype=np.int64)

    def open(self, index: int, progress: float) -> bool:
        """Whether the gate lets a list's dark examples through.

        Args:
            index: Of the list.
            progress: Part of the training that is done, 0 to 1.
        """
        gate = self.spec.gate
        if gate is None:
            return True
        if index not in self.confidences:
            return False
        least = threshold(self._all, gate.schedule, gate.start, gate.end, progress)
        return self.confidences[index] >= least

    def lets_list_through(self, index: int, progress: float) -> bool:
        """Whether the ordinary list is learnt from: always, unless the recipe gates it too and it has dark examples."""
        gate = self.spec.gate
        return gate is None or not gate.lists or index not in self.confidences or self.open(index, progress)

    def attach(self, drawn: Drawn) -> DarkLesson | None:
        """As `lesson`."""
        return self.lesson(drawn.index, drawn.chosen, drawn.progress, drawn.generator(3))

    def lesson(self, index: int, chosen: Rows, progress: float, generator: np.random.Generator) -> DarkLesson | None:
        """A list's dark lesson; None where it has no positive or no dark text that fits.

        Args:
            index: Of the list.
            chosen: Places of the candidates that the ordinary lesson shows.
            progress: Part of the training that is done, 0 to 1.
            generator: For what is random.
        """
        if index not in self.confidences:
            return None
        found, picked = self.dark.lists[index], self.choose(index, generator)
        own = chosen[chosen != found.positive] if self.spec.originals else chosen[:0]
        places = np.concatenate([[found.positive], own]).astype(np.int64)
        relevant = self.lists.relevant(index)[places]
        relevant[0] = True
        pairs, preferences = None, None
        if self.pairs is not None:
            pairs, preferences = self.pairs.within(index, np.concatenate([[0], picked + 1]).astype(np.int64))
            # The lesson's other candidates stand between the positive and the dark texts.
            pairs = np.where(pairs > 0, pairs + len(own), 0)
        return DarkLesson(
            np.concatenate([self.lists.documents(index)[places], found.rows[picked] + self.first_row]),
            np.concatenate([found.candidates[places], found.scores[picked]]),
            np.concatenate([relevant, np.zeros(len(picked), dtype=bool)]),
            self.open(index, progress),
            pairs,
            preferences,
        )

    def choose(self, index: int, generator: np.random.Generator) -> Rows:
        """Places of the dark texts, among those made of a list, that a lesson holds."""
        found, spec = self.dark.lists[index], self.spec
        allowed = np.flatnonzero(np.isin(np.array(found.kinds, dtype=str), spec.kinds))
        picked = choose_dark(
            found.scores[allowed],
            float(found.candidates[found.positive]),
            hard_negatives(self.lists, index, found),
            spec.count,
            generator,
            choice=spec.choice,
            floor=spec.floor,
            drop_above=spec.drop_above,
        )
        return allowed[picked]


def hard_negatives(lists: Lists, index: int, found: "DarkList") -> Scores:
    """The teacher's scores of a list's candidates that are neither relevant nor copies of the positive."""
    if isinstance(lists, KnownLists):
        return found.candidates[lists.negative(index, found.positive)]
    negative = ~lists.relevant(index)
    negative[found.positive] = False
    return found.candidates[negative]
