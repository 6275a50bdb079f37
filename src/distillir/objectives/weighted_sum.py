"""A weighted sum of objectives, and the ways a recipe can write one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.objectives.lists import mean
from distillir.objectives.objective import Objective, Options, OptionValue, Signals
from distillir.objectives.own_objective import checked_objective
from distillir.objectives.registry import OBJECTIVES

Part = tuple[Objective, float, Options]
#: The same as it is written: without a weight where that is to be settled.
WrittenPart = tuple[Objective, float | None, Options]
#: In place of a temperature: settled before training, from the scores (`distillir.composition.settled`).
AUTO = "auto"


@dataclass(frozen=True)
class WeightedSum:
    """Objectives with their weights and options; each part is averaged on its own, then weighted and added.

    Attributes:
        parts: Objective, weight and complete options of each part.
        open_weights: Places of the parts whose weight is to be settled before training, and stands as 1 until then.
    """

    parts: Sequence[Part]
    open_weights: frozenset[int] = frozenset()

    @property
    def names(self) -> list[str]:
        """A name for each part, distinct: an objective that occurs twice becomes ``kl`` and ``kl_2``."""
        seen: dict[str, int] = {}
        names = []
        for objective, _, _ in self.parts:
            seen[objective.name] = seen.get(objective.name, 0) + 1
            number = seen[objective.name]
            names.append(objective.name if number == 1 else f"{objective.name}_{number}")
        return names

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each part by its name."""
        return {name: weight for name, (_, weight, _) in zip(self.names, self.parts, strict=True)}

    @property
    def needs(self) -> frozenset[str]:
        """The signals that any part needs."""
        return frozenset().union(*(objective.needs for objective, _, _ in self.parts))

    @property
    def spec(self) -> list[dict[str, dict[str, OptionValue]]]:
        """The sum with every option written out, as `parse_objective` reads it back."""
        return [
            {objective.name: {"weight": AUTO if place in self.open_weights else weight, **options}}
            for place, (objective, weight, options) in enumerate(self.parts)
        ]

    def numerators(self, student: Tensor, signals: Signals, mask: Tensor | None = None) -> dict[str, Tensor]:
        """Each part's unweighted numerator (a scalar) by its name.

        Args:
            student: Scores [B, N].
            signals: What `needs` names; see `Objective`.
            mask: Boolean [B, N], true where there is a candidate; None for all.

        Raises:
            DistillirError: A signal is missing or of another shape.
        """
        self._check(signals)
        return {
            name: objective.terms(student, signals, mask, options)
            for name, (objective, _, options) in zip(self.names, self.parts, strict=True)
        }

    def counts(self, signals: Signals, mask: Tensor | None = None) -> dict[str, Tensor]:
        """Each part's denominator (a float scalar, may be 0) by its name; arguments as `numerators`."""
        self._check(signals)
        return {
            name: objective.count(signals, mask, options)
            for name, (objective, _, options) in zip(self.names, self.parts, strict=True)
        }

    def combine(self, numerators: Mapping[str, Tensor], counts: Mapping[str, Tensor]) -> Tensor:
        """The loss: sum over parts of weight x numerator / max(count, 1)."""
        values = [weight * mean(numerators[name], counts[name]) for name, weight in self.weights.items()]
        return sum(values[1:], start=values[0])

    def value(self, student: Tensor, signals: Signals, mask: Tensor | None = None) -> Tensor:
        """The weighted sum as one scalar; arguments as `numerators`."""
        return self.combine(self.numerators(student, signals, mask), self.counts(signals, mask))

    def _check(self, signals: Signals) -> None:
        if missing := sorted(self.needs - set(signals)):
            raise DistillirError(f"the objective needs the signal {missing[0]!r}", remedy=f"given: {sorted(signals)}")


def parse_objective(spec: object) -> WeightedSum:
    """Read an objective as a recipe writes it.

    Args:
        spec: A name (``kl``), names with weights (``{kl: 1.0, info_nce: 0.1}``), names with settings
            (``{kl: {weight: 1.0, student_temperature: 0.05}}``, or ``{name: kl, student_temperature: 0.05}``), or a
            list of any of these. ``margin-mse`` is read as ``margin_mse``.

    Raises:
        DistillirError: An unknown objective or option (the message names the nearest), or a value that cannot be.
    """
    parts = _parts(spec)
    if not parts:
        raise DistillirError("no objective is given", where="objective", remedy="write for example: objective: kl")
    if not any(weight is None or weight > 0 for _, weight, _ in parts):
        raise DistillirError("every weight is 0", where="objective", remedy="give one part a weight above 0")
    open_weights = frozenset(place for place, (_, weight, _) in enumerate(parts) if weight is None)
    known = [(objective, 1.0 if weight is None else weight, options) for objective, weight, options in parts]
    return WeightedSum(known, open_weights)


def _parts(spec: object) -> list[WrittenPart]:
    if isinstance(spec, str):
        return [_part(spec, {})]
    if isinstance(spec, Mapping):
        if "name" in spec:
            return [_part(str(spec["name"]), {key: value for key, value in spec.items() if key != "name"})]
        return [_part(str(name), settings) for name, settings in spec.items()]
    if isinstance(spec, Sequence):
        return [part for entry in spec for part in _parts(entry)]
    raise DistillirError(
        f"{spec!r} is no objective", where="objective", remedy="write a name, or a mapping of names to weights"
    )


def _part(name: str, settings: Any) -> WrittenPart:
    """One objective with its weight (default 1; None: open) and its options (defaults filled in)."""
    if not OBJECTIVES.knows(name):
        name = name.replace("-", "_")
    objective = OBJECTIVES.get(name, "objective")
    if not OBJECTIVES.is_own(name):
        objective = checked_objective(objective)
    where = f"objective.{name}"
    if settings is None:
        settings = {}
    given: dict[str, Any] = dict(settings) if isinstance(settings, Mapping) else {"weight": settings}
    written = given.pop("weight", 1.0)
    weight = None if written == AUTO and "weight" in objective.automatic else _number(written, f"{where}.weight")
    if weight is not None and weight < 0:
        raise DistillirError(f"{weight:g} is below 0", where=f"{where}.weight", remedy="give a weight of 0 or more")
    options: dict[str, OptionValue] = dict(objective.options)
    for option, value in given.items():
        if option not in objective.options:
            raise DistillirError(
                f"{name} has no option {option!r}", where=where, remedy=nearest(option, ["weight", *objective.options])
            )
        options[option] = _option(objective, option, value, f"{where}.{option}")
    if problem := objective.problem(options):
        raise DistillirError(problem, where=where)
    return objective, weight, options


def _option(objective: Objective, option: str, value: object, where: str) -> OptionValue:
    if value == AUTO and option in objective.automatic:
        return AUTO
    if isinstance(objective.options[option], bool):
        if not isinstance(value, bool):
            raise DistillirError(f"{value!r} is not true or false", where=where)
        return value
    if option in objective.choices:
        if value not in objective.choices[option]:
            raise DistillirError(
                f"{value!r} is no choice", where=where, remedy=nearest(str(value), objective.choices[option])
            )
        return str(value)
    number = _number(value, where)
    low, high = objective.bounds.get(option, (-math.inf, math.inf))
    if not low < number < high:
        limits = f"above {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
        raise DistillirError(f"{number:g} is out of range", where=where, remedy=f"give a number {limits}")
    return number


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DistillirError(f"{value!r} is not a finite number", where=where)
    return float(value)
