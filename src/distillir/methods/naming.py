"""What a method is called in tables, whatever a recipe has made of it."""

from typing import TYPE_CHECKING

from distillir.methods.registry import get

if TYPE_CHECKING:
    from distillir.methods.spec import MethodSpec
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.plans.plan import Plan


def method_name(spec: "MethodSpec", plan: "Plan", objective: "WeightedSum", own: bool) -> str:
    """The method's name, or its objectives', and what was put beside it.

    Args:
        spec: The recipe's method.
        plan: The plan it follows.
        objective: What is compared.
        own: Whether that is the method's own objective.
    """
    method = get(spec.name)
    name = method.name if own else " + ".join(objective.names)
    expected = "plain" if not own else method.plan if isinstance(method.plan, str) else method.plan.name
    dark = spec.find_dark() is not None
    if not own and dark:
        name += " + dark examples"
    elif own and dark != method.dark:
        name += " + dark examples" if dark else " without dark examples"
    if not method.pairs and spec.pairs is not None:
        name += " + pairs"
    if spec.layers is not None and method.layers and not spec.layers.joint:
        name += ", frozen teacher"
    elif spec.layers is not None and not method.layers:
        name += " + layers" + (" of a joint teacher" if spec.layers.joint else "")
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
