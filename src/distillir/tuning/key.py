"""Searched keys of a recipe: ranges and choices, each with the recipe's own value in it."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: Parts that the range of a number is told in.
THIRDS = 3
#: Share of a range that is its end.
EDGE = 0.05


@dataclass(frozen=True)
class Key:
    """A key with the values that it may have.

    A number is searched as a factor on ``scale``; a choice is one of ``values``.

    Attributes:
        name: Its short name, as ``--keys`` takes it.
        path: Where it stands in a recipe.
        own: The given recipe's (of a number the factor).
        values: Choices; empty for a number.
        low: Smallest factor.
        high: Largest factor.
        log: Whether factors are drawn evenly by their logarithm.
        scale: What a factor is of.
    """

    name: str
    path: str
    own: Any
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    scale: float = 1.0

    def distribution(self) -> Any:
        """The key as Optuna draws it."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution

        return (
            CategoricalDistribution(self.values)
            if self.values
            else FloatDistribution(self.low, self.high, log=self.log)
        )

    def told(self, value: Any) -> str:
        """A drawn value as it stands in a recipe."""
        return shown(value if self.values else digits(value * self.scale))

    def range(self) -> str:
        """The possible values as a phrase."""
        if self.values:
            return ", ".join(shown(value) for value in self.values)
        return f"{self.told(self.low)} to {self.told(self.high)}{' (log)' if self.log else ''}"

    def parts(self) -> list[str]:
        """The choices, or the thirds of the range, as a table tells them."""
        if self.values:
            return [shown(value) for value in self.values]
        edges = self._edges()
        return [f"{self.told(low)} to {self.told(high)}" for low, high in itertools.pairwise(edges)]

    def part(self, value: Any) -> int:
        """The number of the part that a drawn value lies in."""
        if self.values:
            return self.values.index(value)
        passed = sum(bool(value >= edge) for edge in self._edges()[1:])
        return min(passed, THIRDS - 1)

    def at_edge(self, value: Any) -> bool:
        """Tell whether a drawn number lies at an end of the range, so that better ones may lie beyond."""
        if self.values or self.high <= self.low:
            return False
        low, high, drawn = (math.log(one) if self.log else one for one in (self.low, self.high, value))
        share = (drawn - low) / (high - low)
        return share > 1 - EDGE or (share < EDGE and self.low > 0)  # a weight of 0 has nothing beyond

    def _edges(self) -> list[float]:
        shares = [number / THIRDS for number in range(THIRDS + 1)]
        if self.log:
            return [math.exp(math.log(self.low) * (1 - share) + math.log(self.high) * share) for share in shares]
        return [self.low * (1 - share) + self.high * share for share in shares]


def number(name: str, path: str, own: float, low: float, high: float, *, log: bool = True, scale: float = 1.0) -> Key:
    """Make a key of a number, in a range wide enough for the recipe's own value."""
    return Key(name, path, own, (), min(low, own), max(high, own), log, scale)


def choice(name: str, path: str, own: Any, values: Sequence[Any]) -> Key:
    """Make a key of a choice, to which the recipe's own value is added."""
    found = list(values) if own in values else [*values, own]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in found):
        found.sort()
    return Key(name, path, own, tuple(found))


def digits(value: float) -> float:
    """A number to three digits, as recipes get it."""
    return float(f"{value:.3g}")


def shown(value: Any) -> str:
    """A value as YAML writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)
