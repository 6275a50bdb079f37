"""Dark examples in a training: a dark list beside each list, compared by an objective of its own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distillir.base.hashes import hash_of_arrays, hash_of_json
from distillir.batches.lists import ListRow, list_tensors
from distillir.collections.table import Rows, TextTable
from distillir.objectives.weighted_sum import WeightedSum
from distillir.plans.lesson import Lesson
from distillir.plans.lessons import Lessons
from distillir.signals.dark_examples.dark_lists import DarkLesson, DarkLists
from distillir.signals.preferences.tensors import pair_tensors
from distillir.signals.signal_training import Batch, Output, SignalTraining

#: Before the names of the parts of the loss.
WORD = "dark "


class DarkTraining(SignalTraining):
    """Dark examples that are learnt from.

    ``label["dark"]`` holds all that a label says of lists and pairs for the dark lists, empty ones for lessons without;
    nothing where no lesson has any.

    Args:
        lists: Where lessons take them from.
        objective: What is compared on dark lists.
        weight: Of that, beside the lists' objective.
    """

    name = "dark"
    compares = frozenset({"teacher"})  # they are chosen by the teacher's order
    needs_positive = True  # they are made of one, which stands in the list too (ADAM)

    def __init__(self, lists: DarkLists, objective: WeightedSum, weight: float) -> None:
        self.lists, self.objective, self.weight = lists, objective, weight
        self.attachment = lists

    def identity(self) -> dict[str, Any]:
        """See `SignalTraining.identity`."""
        spec, examples = self.lists.spec.model_dump(), self.lists.dark
        scores = [
            (index, hash_of_arrays(found.scores, found.candidates)) for index, found in sorted(examples.lists.items())
        ]
        compared = None if self.lists.pairs is None else self.lists.pairs.fingerprint
        return {
            "dark examples": [examples.texts.fingerprint, scores and hash_of_json(scores), spec, compared],
            "objective of dark examples": [self.objective.spec, self.weight],
        }

    @property
    def texts(self) -> TextTable:
        """The dark texts."""
        return self.lists.dark.texts

    @property
    def rows(self) -> Rows:
        """Their rows, behind the corpus's."""
        return self.lists.rows

    def documents(self, lessons: Sequence[Lesson]) -> Iterable[Rows]:
        """Documents of the dark lists that the gate lets through."""
        return [dark.documents for lesson in lessons if (dark := self._of(lesson)) is not None and dark.open]

    def collate(self, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        """See `SignalTraining.collate`."""
        held: list[DarkLesson | None] = batch.held(self.name)
        if all(dark is None for dark in held):
            return {}, {}
        none = np.empty(0, dtype=np.int64)
        rows = [_row(dark) for dark in held]
        found = list_tensors(rows, [none] * len(rows), [0.0] * len(rows), batch.places, False)
        preferred = [None if dark is None else (dark.pairs, dark.preferences) for dark in held]
        return {}, {"dark": found | pair_tensors([(None, None) if one is None else one for one in preferred])}

    def joined(self, label: Mapping[str, Any], width: int) -> dict[str, Any]:
        """Nobody's documents join dark lists; theirs stand behind those of the processes before."""
        if "dark" not in label:
            return {}
        return {"dark": {**label["dark"], "index": label["dark"]["index"] + label["start"]}}

    def counts(self, label: Mapping[str, Any]) -> dict[str, Tensor]:
        """See `SignalTraining.counts`."""
        found = {f"{WORD}{name}": torch.zeros(()) for name in self.objective.names}
        if (dark := label.get("dark")) is not None:
            found |= {f"{WORD}{name}": count for name, count in self.objective.counts(dark, dark["counted"]).items()}
        return found

    def terms(
        self,
        output: Output,
        inputs: Mapping[str, Any],
        label: Mapping[str, Any],
        counts: Mapping[str, Tensor],
        step: int,
    ) -> dict[str, Tensor]:
        """See `SignalTraining.terms`."""
        dark = label.get("dark")
        if dark is None:
            return {}
        found = self.objective.numerators(output.of(dark["index"]), dark, dark["mask"])
        return {f"{WORD}{name}": self.weight * self.objective.weights[name] * value for name, value in found.items()}

    def facts(self, lessons: Lessons) -> dict[str, Any]:
        """``gate``: of each epoch, the lessons that have dark examples, and the share of them that it opened for."""
        return {"gate": gate_shares(self.lists, lessons)}

    def _of(self, lesson: Lesson) -> DarkLesson | None:
        found: DarkLesson | None = lesson.signals.get(self.name)
        return found


def gate_shares(dark: DarkLists, lessons: Lessons) -> list[tuple[int, float]]:
    """Of each epoch, from 1: lessons whose query has dark examples, and the share of them that the gate opens."""
    opened: dict[int, list[bool]] = {}
    for epoch, index, progress in lessons.drawn_lists():
        if index in dark.confidences:
            opened.setdefault(epoch, []).append(dark.open(index, progress))
    return [(len(flags), sum(flags) / len(flags)) for _, flags in sorted(opened.items())]


def _row(dark: DarkLesson | None) -> ListRow:
    if dark is None:
        nothing = np.empty(0, dtype=np.float32)
        return ListRow(np.empty(0, dtype=np.int64), nothing, nothing, np.empty(0, dtype=bool), False)
    return ListRow(dark.documents, dark.teacher, dark.teacher, dark.relevant, dark.open)
