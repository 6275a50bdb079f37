"""MarginMSE over all pairs of a query's candidates."""

import math

import torch
from torch import Tensor

from distillir.objectives.lists import mean, real_places, working_dtype, zeroed
from distillir.objectives.objective import Objective


def margin_mse(
    student: Tensor, teacher: Tensor, mask: Tensor | None = None, *, student_temperature: float = 1.0
) -> Tensor:
    """Mean over all ordered pairs (i, j) of the batch's lists, i = j included, of ((s_i - s_j) - (t_i - t_j))^2.

    Pairs never cross queries. A list of n candidates gives n^2 pairs, so longer lists weigh more; a query with one
    candidate counts one pair and adds 0; a query without any does not count.

    Args:
        student: Scores [B, N].
        teacher: Scores [B, N], on the scale the student shall learn.
        mask: Boolean [B, N], true where there is a candidate; None for all.
        student_temperature: Divides the student's scores; an option of ours (the original has none, so 1): cosines
            cannot reach the margins of logits.

    Returns:
        Scalar, squared score units per pair.

    Raises:
        DistillirError: The shapes do not fit.

    Source:
        Hofstätter et al. 2020 (arXiv 2010.02666, equation 1), over lists as in HansiZeng/CL-DRD losses/margin_mse.py.
    """
    return mean(margin_mse_terms(student, teacher, mask, student_temperature), margin_mse_count(teacher, mask))


def margin_mse_terms(student: Tensor, teacher: Tensor, mask: Tensor | None, student_temperature: float) -> Tensor:
    """The squared margin errors summed over the batch's pairs; arguments as `margin_mse`."""
    real, dtype = real_places(student, mask), working_dtype(student)
    error = zeroed(student, real, dtype) / student_temperature - zeroed(teacher, real, dtype)
    size = real.sum(dim=1, keepdim=True).to(dtype)
    # sum over i, j of (e_i - e_j)^2 = 2 n * sum over i of (e_i - mean)^2: N numbers instead of N x N.
    centred = torch.where(real, error - error.sum(dim=1, keepdim=True) / size.clamp(min=1), 0.0)
    return (2 * size * centred.square()).sum()


def margin_mse_count(teacher: Tensor, mask: Tensor | None) -> Tensor:
    """Number of ordered pairs of the batch; arguments as `margin_mse`."""
    return real_places(teacher, mask).sum(dim=1).square().sum().to(torch.float32)


OBJECTIVE = Objective(
    name="margin_mse",
    description="squared error of the score differences of all pairs of a list, mean over pairs",
    source="Hofstätter et al. 2020, arXiv 2010.02666",
    needs=frozenset({"teacher"}),
    terms=lambda student, signals, mask, options: margin_mse_terms(
        student, signals["teacher"], mask, float(options["student_temperature"])
    ),
    count=lambda signals, mask, options: margin_mse_count(signals["teacher"], mask),
    options={"student_temperature": 1.0},
    in_batch=False,
    bounds={"student_temperature": (0.0, math.inf)},
)
