"""An objective from outside the package: its numerators and counts are checked where they are computed."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.objectives.objective import Objective, Options, Signals
from distillir.specs.outside_calls import outside_call, wrong_answer

#: The signals of lists that an objective may need; what each holds is told at `Objective.needs`.
KNOWN = ("teacher", "labels", "relevant", "positive", "pairs")


def checked_objective(objective: Objective) -> Objective:
    """An objective that behaves alike, and refuses an answer that is no scalar.

    Args:
        objective: Of the user's own, or of an installed package.

    Raises:
        DistillirError: It needs a signal that does not exist.
    """
    for need in objective.needs:
        if need not in KNOWN:
            raise DistillirError(
                f"needs the signal {need!r}, which there is not", where=objective.name, remedy=nearest(need, KNOWN)
            )

    def terms(student: Tensor, signals: Signals, mask: Tensor | None, options: Options) -> Tensor:
        with outside_call(objective.name, "terms"):
            value = objective.terms(student, signals, mask, options)
        found = _scalar(objective.name, "terms", value)
        if student.requires_grad and not found.requires_grad:
            raise wrong_answer(
                objective.name, "terms", "a value without gradient", "compute it from the student's scores"
            )
        return found

    def count(signals: Signals, mask: Tensor | None, options: Options) -> Tensor:
        with outside_call(objective.name, "count"):
            value: Any = objective.count(signals, mask, options)
        return _scalar(objective.name, "count", torch.tensor(float(value)) if isinstance(value, int | float) else value)

    return replace(objective, terms=terms, count=count)


def _scalar(name: str, what: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise wrong_answer(name, what, f"a {type(value).__name__}", "give a tensor that holds one number")
    if value.ndim:
        told = f"a tensor of shape {tuple(value.shape)}"
        raise wrong_answer(name, what, told, "give one number: the sum over what is averaged")
    return value
