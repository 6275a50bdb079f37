"""The objective of a recipe on lists, with the parts that signals add to it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.methods.registry import get_method
from distillir.objectives.weighted_sum import WeightedSum, parse_objective
from distillir.signals.registry import built_in
from distillir.signals.signal import Signal

if TYPE_CHECKING:
    from distillir.composition.recipe_parts import ComposedParts


def written_objective(given: Any) -> WeightedSum:
    """An objective as a recipe or a method writes it; None compares no lists, and is a sum without parts."""
    return WeightedSum(()) if given is None else parse_objective(given)


def list_objective(given: Any, recipe: "ComposedParts", signals: Sequence[Signal[Any]]) -> WeightedSum:
    """An objective as a recipe or a method writes it, with what its signals add to it.

    Raises:
        DistillirError: It, or the recipe's method, needs a signal that the recipe does not want.
    """
    objective = written_objective(given)
    wanted, own = {signal.kind.name for signal in signals}, get_method(recipe.method.name).signals
    for kind in built_in():
        compared = objective.needs & kind.gives
        if kind.name not in wanted and (compared or (kind.gives and kind.name in own)):
            names = [part.name for part, _, _ in objective.parts if part.needs & kind.gives]
            what, remedy = kind.lacking
            raise DistillirError(
                what.format(by=names[0] if names else recipe.method.name), where=f"method.{kind.name}", remedy=remedy
            )
    for signal in signals:
        objective = signal.beside(objective, recipe, expected=signal.kind.name in own)
    return objective
