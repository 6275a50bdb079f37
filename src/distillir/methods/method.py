"""Method: a plan and an objective under one name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Options that bring a cosine to the scale of a softmax; sums of cosines and dot products have that scale already.
COSINE_OPTIONS = ("student_temperature", "temperature")


@dataclass(frozen=True)
class Method:
    """What a recipe's ``method:`` stands for.

    Attributes:
        name: As recipes write it.
        description: One line for people.
        source: Paper.
        plan: Name of the plan (what the student sees).
        objective: The objective as a recipe writes it (what is compared), for students that score by cosine.
        signals: Names of the signals that it learns from beside plain scores.
        objectives: The objective of other kinds of student, where it is another.
        training: Settings of the recipe's ``training`` that hold where recipe and plan are silent.
    """

    name: str
    description: str
    source: str
    plan: str
    objective: Any
    signals: tuple[str, ...] = ()
    objectives: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def objective_for(self, kind: str) -> Any:
        """The objective for a kind of student: as published for multi-vector and sparse ones, without a temperature.

        ColBERTv2, PairDistill and SPLADE compare raw scores, which are sums over tokens or terms.
        """
        if kind in self.objectives:
            return self.objectives[kind]
        if kind == "dense" or not isinstance(self.objective, Mapping):
            return self.objective
        return {
            name: {key: value for key, value in options.items() if key not in COSINE_OPTIONS}
            if isinstance(options, Mapping)
            else options
            for name, options in self.objective.items()
        }
