"""RankNet: the student learns to order each pair of candidates as the teacher does."""

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from distillir.objectives.lists import mean, ordered_pairs, real_places, working_dtype, zeroed
from distillir.objectives.objective import Objective


def ranknet(
    student: Tensor, teacher: Tensor, mask: Tensor | None = None, *, student_temperature: float = 1.0
) -> Tensor:
    """Mean over all pairs with t_i > t_j of the batch's lists of log(1 + exp(s_j - s_i)).

    Of the teacher only the order counts. Pairs never cross queries; a query without a pair of different teacher
    scores (one candidate, none, or all tied) adds nothing to numerator and denominator.

    Args:
        student: Scores [B, N].
        teacher: Scores [B, N].
        mask: Boolean [B, N], true where there is a candidate; None for all.
        student_temperature: Divides the student's scores; an option of ours (the original has none, so 1): cosines
            lie close together.

    Returns:
        Scalar, nats per pair; 0 where the batch has no such pair.

    Raises:
        DistillirError: The shapes do not fit.

    Source:
        Burges et al. 2005 (ICML, equation 3) with target probability 1.
    """
    return mean(ranknet_terms(student, teacher, mask, student_temperature), ranknet_count(teacher, mask))


def ranknet_terms(student: Tensor, teacher: Tensor, mask: Tensor | None, student_temperature: float) -> Tensor:
    """The pairs' losses summed over the batch; arguments as `ranknet`."""
    real, dtype = real_places(student, mask), working_dtype(student)
    scores = zeroed(student, real, dtype) / student_temperature
    difference = scores[:, :, None] - scores[:, None, :]
    zeroed(teacher, real, dtype)  # for its check of the shape
    return torch.where(ordered_pairs(teacher, real), softplus(-difference), 0.0).sum()


def ranknet_count(teacher: Tensor, mask: Tensor | None) -> Tensor:
    """Number of pairs of the batch with different teacher scores; arguments as `ranknet`."""
    return ordered_pairs(teacher, real_places(teacher, mask)).sum().to(torch.float32)


OBJECTIVE = Objective(
    name="ranknet",
    description="logistic loss on every pair that the teacher orders, mean over pairs; only the order counts",
    source="Burges et al. 2005, Learning to rank using gradient descent, ICML",
    needs=frozenset({"teacher"}),
    terms=lambda student, signals, mask, options: ranknet_terms(
        student, signals["teacher"], mask, float(options["student_temperature"])
    ),
    count=lambda signals, mask, options: ranknet_count(signals["teacher"], mask),
    options={"student_temperature": 1.0},
    bounds={"student_temperature": (0.0, math.inf)},
)
