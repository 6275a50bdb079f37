"""The kinds of signal by name."""

from typing import TYPE_CHECKING, Any

from distillir.signals.signal import Signal, SignalKind
from distillir.specs import Registry

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum

#: In the order in which they are prepared, and their parts stand in the loss and the report.
SIGNALS: Registry[SignalKind] = Registry(
    "signal",
    "distillir.signals",
    SignalKind,
    {
        "dark": "distillir.signals.dark_examples.signal:DARK_EXAMPLES",
        "pairs": "distillir.signals.preferences.signal:PREFERENCES",
        "layers": "distillir.signals.layers.signal:LAYERS",
        "vectors": "distillir.signals.vectors.signal:VECTORS",
    },
)


def built_in() -> list[SignalKind]:
    """The kinds of this package."""
    return list(SIGNALS.builtin().values())


def of_objective(objective: "WeightedSum", pseudo_positives: bool | str = False) -> tuple[Signal[Any], ...]:
    """The signal that stands for an objective on lists, which recipes write as ``objective``; none without any part.

    Args:
        objective: What is compared.
        pseudo_positives: As `distillir.plans.settings.TrainingSettings`.
    """
    from distillir.signals.scores.signal import SCORES_OF_LISTS, ScoresSpec

    spec = ScoresSpec(objective=objective, pseudo_positives=pseudo_positives)
    return (SCORES_OF_LISTS.of(spec),) if objective.parts else ()
