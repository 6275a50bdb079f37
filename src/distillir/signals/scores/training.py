"""Objectives on lists, in training."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from distillir.objectives.objective import JUDGED
from distillir.objectives.weighted_sum import WeightedSum
from distillir.signals.signal_training import Output, SignalTraining


class ScoresTraining(SignalTraining):
    """The parts of an objective, each under its own name.

    Args:
        objective: What is compared.
        pseudo_positives: As `distillir.plans.settings.TrainingSettings`: where the teacher's best of each list is taken
            ``always``, a judged one is not needed.
    """

    name = "scores"

    def __init__(self, objective: WeightedSum, pseudo_positives: bool | str = False) -> None:
        self.objective, self.weights = objective, objective.weights
        self.compares = objective.needs
        self.needs_positive = bool(objective.needs & JUDGED) and pseudo_positives != "always"

    def identity(self) -> dict[str, Any]:
        """See `SignalTraining.identity`."""
        return {"objective": self.objective.spec}

    def counts(self, label: Mapping[str, Any]) -> dict[str, Tensor]:
        """See `SignalTraining.counts`; lists that a gate keeps back count too."""
        return self.objective.counts(label, label["loss_mask"])

    def terms(
        self,
        output: Output,
        inputs: Mapping[str, Any],
        label: Mapping[str, Any],
        counts: Mapping[str, Tensor],
        step: int,
    ) -> dict[str, Tensor]:
        """See `SignalTraining.terms`."""
        found = self.objective.numerators(output.of(label["index"]), label, label["mask"])
        return {name: self.weights[name] * value for name, value in found.items()}
