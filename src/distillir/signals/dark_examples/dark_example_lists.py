"""Dark lists: the positive and dark examples of a query, beside a training example's own list (ADAM)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores
from distillir.base.seeds import DARK_CHOICE
from distillir.plans.attachment import Attachment, Drawn
from distillir.signals.dark_examples.choose import choose_dark
from distillir.signals.dark_examples.dark_example_set import DarkExampleSet
from distillir.signals.dark_examples.gate import confidence, threshold
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.teaching.copy_aware_lists import CopyAwareLists
from distillir.teaching.lists import Lists

if TYPE_CHECKING:
    from distillir.signals.dark_examples.dark_example_set import ListDarkExamples
    from distillir.signals.preferences.pair_lists import PairLists


@dataclass(frozen=True)
class AttachedDarkList:
    """The dark list that a training example holds beside its own.

    Attributes:
        documents: Document rows [M]: the positive, the training example's other candidates where the recipe wants them,
            and the dark examples, whose rows follow the corpus's.
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


class DarkExampleLists(Attachment):
    """The dark lists of a teaching set, as a recipe asks for them.

    Args:
        dark: All dark examples and their scores.
        lists: The teaching set they were made of.
        spec: What of them is learnt from, and whose.
        first_row: Row of the first dark example: the number of documents of the corpus.
        pairs: Pairs among a list's positive (place 0) and its dark examples (places from 1).
    """

    name = "dark"

    def __init__(
        self, dark: DarkExampleSet, lists: Lists, spec: DarkSpec, first_row: int, pairs: "PairLists | None" = None
    ) -> None:
        self.dark, self.lists, self.spec, self.first_row, self.pairs = dark, lists, spec, first_row, pairs
        gate = spec.gate
        #: How sure the teacher is, of each list that has a dark example to choose.
        self.confidences = {
            index: confidence(lists.scores(index), found.positive, gate.confidence, gate.temperature) if gate else 1.0
            for index, found in dark.lists.items()
            if len(self.choose(index, np.random.default_rng(0)))
        }
        self._all = np.array(sorted(self.confidences.values()), dtype=np.float64)

    @property
    def rows(self) -> Rows:
        """Rows of all dark examples, as they follow the corpus's."""
        return np.arange(self.first_row, self.first_row + len(self.dark.texts), dtype=np.int64)

    def open(self, index: int, progress: float) -> bool:
        """Tell whether the gate lets a list's dark examples through.

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
        """Tell whether the ordinary list is learnt from: always, unless it is gated too and has dark examples."""
        gate = self.spec.gate
        return gate is None or not gate.lists or index not in self.confidences or self.open(index, progress)

    def attach(self, drawn: Drawn) -> AttachedDarkList | None:
        """The dark list beside a list; see `example`."""
        return self.example(drawn.index, drawn.chosen, drawn.progress, drawn.generator(DARK_CHOICE))

    def example(
        self, index: int, chosen: Rows, progress: float, generator: np.random.Generator
    ) -> AttachedDarkList | None:
        """The dark list beside a list; None where it has no positive or no dark example that fits.

        Args:
            index: Of the list.
            chosen: Places of the candidates that the ordinary training example shows.
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
            # The training example's other candidates stand between the positive and the dark examples.
            pairs = np.where(pairs > 0, pairs + len(own), 0)
        return AttachedDarkList(
            np.concatenate([self.lists.documents(index)[places], found.rows[picked] + self.first_row]),
            np.concatenate([found.candidates[places], found.scores[picked]]),
            np.concatenate([relevant, np.zeros(len(picked), dtype=bool)]),
            self.open(index, progress),
            pairs,
            preferences,
        )

    def choose(self, index: int, generator: np.random.Generator) -> Rows:
        """Places of the dark examples that a training example holds, among those made of its list."""
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


def hard_negatives(lists: Lists, index: int, found: "ListDarkExamples") -> Scores:
    """The teacher's scores of a list's candidates that are neither relevant nor copies of the positive."""
    if isinstance(lists, CopyAwareLists):
        return found.candidates[lists.negative(index, found.positive)]
    negative = ~lists.relevant(index)
    negative[found.positive] = False
    return found.candidates[negative]
