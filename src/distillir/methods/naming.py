"""What a method is called in tables, whatever a recipe has made of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from distillir.methods.registry import get
from distillir.signals.registry import SIGNALS
from distillir.signals.signal import Signal

if TYPE_CHECKING:
    from distillir.methods.spec import MethodSpec
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.plans.plan import Plan


def method_name(
    spec: "MethodSpec", plan: "Plan", objective: "WeightedSum", own: bool, signals: Sequence[Signal[Any]]
) -> str:
    """The method's name, or its objectives', and what was put beside it.

    Args:
        spec: The recipe's method.
        plan: The plan it follows.
        objective: What is compared.
        own: Whether that is the method's own objective.
        signals: What is learnt from beside it.
    """
    method = get(spec.name)
    name = method.name if own else " + ".join(objective.names)
    expected = "plain" if not own else method.plan if isinstance(method.plan, str) else method.plan.name
    for signal in signals:
        name += signal.suffix(expected=signal.name in method.signals, own=own)
    for missing in method.signals if own else ():
        if all(signal.name != missing for signal in signals):
            name += f" without {SIGNALS.get(missing).title}"
    if plan.name != expected:
        name += f", plan {plan.name}"
    if spec.rounds > 1:
        name += f", {spec.rounds} rounds" + (" from the start" if spec.restart else "")
    if spec.stages == "together":
        name += ", all stages at once"
    elif spec.stages is not None:
        word = "stage" if len(spec.stages) == 1 else "stages"
        name += f", {word} {', '.join(map(str, spec.stages))}"
    return name
