"""A recipe's ``method:`` to a plan and an objective."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from distillir.errors import DistillirError
from distillir.methods.registry import PLANS, get
from distillir.words import nearest

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum

KEYS = ("name", "plan", "objective")


def compose(spec: str | Mapping[str, Any], objective: Any = None) -> tuple[str, str, "WeightedSum"]:
    """Name, plan and objective of what a recipe writes.

    A recipe that compares something else than its method does is called by its objectives: ``kl + info_nce``.

    Args:
        spec: A method's name, or a mapping with ``name`` and anything of it that is to differ: ``objective`` (see
            `distillir.objectives.parse_objective`), ``plan``.
        objective: The recipe's own ``objective:``, which goes before the method's; None leaves the method's.

    Raises:
        DistillirError: An unknown name or key.
    """
    from distillir.objectives.weighted_sum import parse_objective

    given = {"name": spec} if isinstance(spec, str) else dict(spec)
    for key in given:
        if key not in KEYS:
            raise DistillirError("unknown key", where=f"method.{key}", remedy=nearest(str(key), KEYS))
    method = get(str(given.get("name", "kl")))
    plan = str(given.get("plan", method.plan))
    if plan not in PLANS:
        raise DistillirError(f"no plan {plan!r}", where="method.plan", remedy=nearest(plan, PLANS))
    if objective is None:
        objective = given.get("objective", method.objective)
    chosen, own = parse_objective(objective), parse_objective(method.objective)
    name = method.name if chosen.names == own.names else " + ".join(chosen.names)
    return name, plan, chosen
