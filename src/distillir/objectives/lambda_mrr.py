"""Lambda-MRR: RankNet in which each pair weighs as much as exchanging it would change a reciprocal rank."""

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from distillir.objectives.lists import mean, ordered_pairs, real_places, working_dtype, zeroed
from distillir.objectives.objective import Objective
from distillir.objectives.ranks import student_ranks


def lambda_mrr(
    student: Tensor, labels: Tensor, mask: Tensor | None = None, *, student_temperature: float = 1.0
) -> Tensor:
    """Mean over all pairs with y_i > y_j of the batch's lists of |1/r_i - 1/r_j| log(1 + exp(s_j - s_i)).

    r is the candidate's rank (from 1) by the student's own scores; no gradient goes through it. Of the labels only the
    order counts. Candidates that the student ties are ranked in the labels' reverse order, so that a wrong order costs
    and the gradient parts them. A query without a pair of different labels adds nothing to numerator and denominator.

    Args:
        student: Scores [B, N].
        labels: What the teacher makes of the candidates [B, N]: more is better, equal labels are not compared.
        mask: Boolean [B, N], true where there is a candidate; None for all.
        student_temperature: Divides the student's scores; an option of ours (the original has none, so 1): cosines
            lie close together.

    Returns:
        Scalar, nats per pair; 0 where the batch has no such pair.

    Raises:
        DistillirError: The shapes do not fit.

    Source:
        Zeng et al. 2022 (arXiv 2204.13679), HansiZeng/CL-DRD losses/lambda_rank.py; stated as equation 12 of Zamani and
        Bendersky 2023 (Multivariate Representation Learning for IR).
    """
    return mean(lambda_mrr_terms(student, labels, mask, student_temperature), lambda_mrr_count(labels, mask))


def lambda_mrr_terms(student: Tensor, labels: Tensor, mask: Tensor | None, student_temperature: float) -> Tensor:
    """The pairs' losses summed over the batch; arguments as `lambda_mrr`."""
    real, dtype = real_places(student, mask), working_dtype(student)
    scores = zeroed(student, real, dtype) / student_temperature
    wanted = zeroed(labels, real, dtype)
    reciprocal = 1.0 / student_ranks(scores, real, last=wanted).to(dtype)
    weight = (reciprocal[:, :, None] - reciprocal[:, None, :]).abs()
    difference = scores[:, :, None] - scores[:, None, :]
    return torch.where(ordered_pairs(wanted, real), weight * softplus(-difference), 0.0).sum()


def lambda_mrr_count(labels: Tensor, mask: Tensor | None) -> Tensor:
    """Number of pairs of the batch with different labels; arguments as `lambda_mrr`."""
    return ordered_pairs(labels, real_places(labels, mask)).sum().to(torch.float32)


OBJECTIVE = Objective(
    name="lambda_mrr",
    description="logistic loss on every pair that the labels order, weighted by its change of a reciprocal rank",
    source="Zeng et al. 2022, CL-DRD, arXiv 2204.13679",
    needs=frozenset({"labels"}),
    terms=lambda student, signals, mask, options: lambda_mrr_terms(
        student, signals["labels"], mask, float(options["student_temperature"])
    ),
    count=lambda signals, mask, options: lambda_mrr_count(signals["labels"], mask),
    options={"student_temperature": 1.0},
    bounds={"student_temperature": (0.0, math.inf)},
)
