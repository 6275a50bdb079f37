"""A stage of a recipe's composition."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from distillir.plans.graded_lists import GradedLists
from distillir.plans.list_sampler import ListSampler
from distillir.plans.settings import TrainingSettings
from distillir.signals.registry import of_objective
from distillir.signals.signal import CANDIDATES, Signal

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum


@dataclass(frozen=True)
class ComposedStage:
    """A stage, ready to be trained.

    Attributes:
        samplers: How its lists are cut.
        objective: What is compared.
        training: Its settings.
        mine: Whether the student so far mines and the teacher scores anew before it.
        restart: Whether it starts from the student as it was before the first stage.
        signals: What is learnt from beside the objective.
    """

    samplers: tuple[ListSampler, ...]
    objective: "WeightedSum"
    training: TrainingSettings
    mine: bool
    restart: bool = False
    signals: tuple[Signal[Any], ...] = ()

    @property
    def learnt(self) -> tuple[Signal[Any], ...]:
        """All that it learns from, in the order of the loss: the objective on lists first."""
        return (*of_objective(self.objective, self.training.pseudo_positives), *self.signals)

    @property
    def compares(self) -> frozenset[str]:
        """The signals of lists that something in the stage compares with."""
        return frozenset().union(*(signal.compares for signal in self.learnt))

    @property
    def needs(self) -> frozenset[str]:
        """The data that it learns from; lists that are graded, or mined anew, are there to be learnt from."""
        graded = self.mine or any(isinstance(sampler, GradedLists) for sampler in self.samplers)
        found = frozenset({CANDIDATES}) if graded else frozenset()
        return found.union(*(signal.needs for signal in self.learnt))

    @property
    def needs_lists(self) -> bool:
        """True where it learns from candidates of queries, and not from texts alone."""
        return CANDIDATES in self.needs

    def facts(self) -> dict[str, Any]:
        """Facts about it for the report."""
        lists = [{"form": type(sampler).__name__, **vars(sampler)} for sampler in self.samplers]
        return {
            "lists": lists if self.needs_lists else [],
            "objective": self.objective.spec,
            "learning_rate": self.training.learning_rate,
            "epochs": self.training.epochs,
            "mine": self.mine,
            **({"restart": True} if self.restart else {}),
        } | {name: told for signal in self.signals for name, told in signal.told(self.objective).items()}
