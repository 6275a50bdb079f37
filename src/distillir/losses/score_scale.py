"""Check, on the first batch, that teacher scores and temperature fit each other."""

import math
import warnings

import torch

from distillir.base.errors import DistillirError
from distillir.objectives.objective import Signals
from distillir.objectives.weighted_sum import WeightedSum


def check_scale(objective: WeightedSum, signals: Signals, mask: torch.Tensor | None) -> None:
    """Warn where a softmax of the teacher's scores would teach nothing of their order.

    Only KL and CKL look at the scores through a softmax; for any other objective nothing is done but the check for
    labels that mask everything.

    Args:
        objective: The loss's objective.
        signals: Those of the first batch.
        mask: Boolean [B, N] or None.

    Raises:
        DistillirError: No place of the batch has a finite teacher score.
    """
    if mask is not None and not mask.any():
        raise DistillirError(
            "no label of the first batch is finite", remedy="check the column that holds your teacher's scores"
        )
    if "teacher" not in signals or mask is None:
        return
    lists = mask.sum(dim=1) > 1
    for part, _, options in objective.parts:
        if part.name not in ("kl", "ckl") or not lists.any():
            continue
        temperature = float(options["teacher_temperature"])
        scores = torch.where(mask, signals["teacher"].float() / temperature, -math.inf)[lists]
        probabilities = torch.softmax(scores, dim=1)
        if probabilities.max(dim=1).values.median() > 0.999:
            warnings.warn(
                f"{part.name}: with teacher_temperature={temperature:g} the best candidate of a typical list gets more "
                "than 0.999 of the teacher's probability, so the order of the rest is not taught; raise it",
                stacklevel=3,
            )
        entropy = -torch.special.xlogy(probabilities, probabilities).sum(dim=1)
        if (entropy / mask[lists].sum(dim=1).log()).median() > 0.999:
            warnings.warn(
                f"{part.name}: with teacher_temperature={temperature:g} a typical list's teacher distribution is flat "
                "(entropy above 0.999 of its maximum), so hardly any order is taught; lower it",
                stacklevel=3,
            )
