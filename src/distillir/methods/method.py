"""Method: a plan, an objective and signals under one name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distillir.plans.plan import Plan

from distillir.students.kind import StudentKind

#: Options that bring a cosine to the scale of a softmax; sums of cosines and dot products have that scale already.
COSINE_OPTIONS = ("student_temperature", "temperature")


@dataclass(frozen=True)
class Method:
    """A method: the plan, the objective and the settings behind a recipe's ``method:``.

    Attributes:
        name: As recipes write it.
        description: One line for people.
        source: Paper.
        plan: The plan (what the student sees), or its name.
        objective: The objective as a recipe writes it (what is compared), for students that score by cosine; None: no
            lists are compared.
        signals: Names of the signals that it learns from beside plain scores.
        objectives: The objective of other kinds of student, where it is another.
        training: Settings of the recipe's ``training`` that hold where recipe and plan are silent.
    """

    name: str
    description: str
    source: str
    plan: "str | Plan"
    objective: Any
    signals: tuple[str, ...] = ()
    objectives: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def objective_for(self, kind: StudentKind) -> Any:
        """The objective for a kind of student: without a temperature where scores are no cosines, as published.

        ColBERTv2, PairDistill and SPLADE compare raw scores, which are sums over tokens or terms. A temperature that
        the run settles (``auto``) fits any kind.
        """
        if kind.name in self.objectives:
            return self.objectives[kind.name]
        if kind.cosine_scale or not isinstance(self.objective, Mapping):
            return self.objective
        return {
            name: {key: value for key, value in options.items() if key not in COSINE_OPTIONS or value == "auto"}
            if isinstance(options, Mapping)
            else options
            for name, options in self.objective.items()
        }
