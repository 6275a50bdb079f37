"""``auto`` in a recipe: temperatures and learning rate that a run settles before it trains, and keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from distillir.composition.recipe_parts import ComposedParts

Recipe = TypeVar("Recipe", bound=ComposedParts)

#: As `distillir.objectives.weighted_sum.AUTO`, which loads torch.
AUTO = "auto"


@dataclass(frozen=True)
class Settled:
    """Values that stand for ``auto``.

    Attributes:
        teacher: Temperature of the teacher's scores.
        student: Temperature of the student's scores.
        learning_rate: Peak of the optimiser's.
        labels: Weight of judgements beside the teacher's scores.
    """

    teacher: float
    student: float
    learning_rate: float
    labels: float = 1.0

    def by_key(self) -> dict[str, float]:
        """The values by the keys of a recipe that may be ``auto``."""
        return {
            "teacher_temperature": self.teacher,
            "student_temperature": self.student,
            "temperature": self.student,
            "learning_rate": self.learning_rate,
            "weight": self.labels,
        }


#: Parts of a recipe that hold such keys.
PARTS = ("objective", "method", "training")
KEYS = frozenset(Settled(1, 1, 1).by_key())


def unsettled(recipe: ComposedParts) -> frozenset[str]:
    """The keys of a recipe that are ``auto`` and must be settled before training."""
    return frozenset(_open_keys({part: value for part, value in recipe.resolved().items() if part in PARTS}))


def settled_before(asked: ComposedParts, kept: ComposedParts) -> dict[str, float]:
    """The numbers by their keys that an earlier start put in place of ``auto``.

    Args:
        asked: The recipe as the user wrote it.
        kept: The same with what was settled.
    """
    before, after = asked.resolved(), kept.resolved()
    found = {key: number for part in PARTS for key, number in _filled_keys(before[part], after[part])}
    return {key: found[key] for key in Settled(1, 1, 1).by_key() if key in found}


def settle(recipe: Recipe, found: Settled) -> Recipe:
    """The recipe with every such ``auto`` replaced."""
    return _replaced(recipe, lambda value, _: _filled(value, found.by_key()))


def adopt_settled(recipe: Recipe, before: Mapping[str, Any]) -> Recipe:
    """The recipe with every such ``auto`` replaced by what an earlier start of the same run settled.

    Args:
        recipe: As the user wrote it.
        before: The resolved recipe that the run folder holds; where it has no number in the same place, ``auto`` stays.
    """

    def known(value: Any, part: str) -> Any:
        taken = _taken(value, before.get(part))
        # Of another objective or method the numbers mean something else; of other training settings they do not.
        return taken if part == "training" or taken == before.get(part) else value

    return _replaced(recipe, known)


def _replaced(recipe: Recipe, change: Any) -> Recipe:
    if not unsettled(recipe):
        return recipe
    resolved = recipe.resolved()
    return type(recipe).model_validate({**resolved, **{part: change(resolved[part], part) for part in PARTS}})


def _open_keys(value: Any) -> list[str]:
    if isinstance(value, list):
        return [key for inner in value for key in _open_keys(inner)]
    if not isinstance(value, dict):
        return []
    own = [key for key, inner in value.items() if key in KEYS and inner == AUTO]
    return own + [key for inner in value.values() for key in _open_keys(inner)]


def _filled_keys(value: Any, known: Any) -> list[tuple[str, float]]:
    if isinstance(value, list) and isinstance(known, list):
        return [found for pair in zip(value, known, strict=False) for found in _filled_keys(*pair)]
    if not (isinstance(value, dict) and isinstance(known, dict)):
        return []
    own = [(key, known[key]) for key, inner in value.items() if key in KEYS and inner == AUTO and key in known]
    return own + [found for key, inner in value.items() for found in _filled_keys(inner, known.get(key))]


def _filled(value: Any, numbers: Mapping[str, float]) -> Any:
    if isinstance(value, list):
        return [_filled(inner, numbers) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: numbers[key] if key in numbers and inner == AUTO else _filled(inner, numbers)
        for key, inner in value.items()
    }


def _taken(value: Any, before: Any) -> Any:
    if isinstance(value, list) and isinstance(before, list) and len(value) == len(before):
        return [_taken(inner, known) for inner, known in zip(value, before, strict=True)]
    if not (isinstance(value, dict) and isinstance(before, dict)):
        return value
    return {
        key: before[key]
        if key in KEYS and inner == AUTO and isinstance(before.get(key), int | float)
        else _taken(inner, before.get(key))
        for key, inner in value.items()
        if not (inner == AUTO and key == "weight" and key not in before)  # earlier versions had 1, and wrote none
    }
