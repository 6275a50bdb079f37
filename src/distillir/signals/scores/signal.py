"""The signal that a recipe's ``objective`` stands for: it learns from scores, labels and judgements of lists."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from distillir.signals.signal import CANDIDATES, JUDGEMENTS, SCORES, Signal, SignalKind
from distillir.specs.part import Part

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.signals.place import Costs, Place
    from distillir.signals.scores.training import ScoresTraining

#: What the parts of an objective compare (`distillir.objectives.objective.Objective.needs`), by the data it is of.
COMPARED = {SCORES: {"teacher", "labels"}, JUDGEMENTS: {"relevant", "positive"}}


class ScoresSpec(Part):
    """The objective on lists of a stage."""

    objective: Any = Field(description="a weighted sum of objectives with at least one part")
    pseudo_positives: bool | str = Field(False, description="training.pseudo_positives of the stage")


class Scores(Signal[ScoresSpec]):
    """Objectives on lists. Nothing is prepared: the teaching set holds all that they compare."""

    def __init__(self, kind: SignalKind, spec: ScoresSpec) -> None:
        super().__init__(kind, spec)
        compared = spec.objective.needs
        self.needs = frozenset({CANDIDATES, *(data for data, names in COMPARED.items() if compared & names)})
        self.compares = compared
        self.needs_positive = bool(compared & COMPARED[JUDGEMENTS]) and spec.pseudo_positives != "always"

    def open(self, place: "Place", objective: "WeightedSum") -> "ScoresTraining":
        """See `Signal.open`."""
        return self._training()

    def rehearsal(self, costs: "Costs") -> "ScoresTraining":
        """See `Signal.rehearsal`; nothing of it is made up, since the lists are."""
        return self._training()

    def _training(self) -> "ScoresTraining":
        from distillir.signals.scores.training import ScoresTraining  # loads torch

        return ScoresTraining(self.spec.objective, self.spec.pseudo_positives)


SCORES_OF_LISTS = SignalKind("scores", "objectives on lists of candidates", ScoresSpec, Scores)
