"""BCE: binary cross-entropy of each pair's score against its judgement."""

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from distillir.objectives.lists import mean, real_places, working_dtype, zeroed
from distillir.objectives.objective import Objective


def bce(
    student: Tensor,
    relevant: Tensor,
    mask: Tensor | None = None,
    *,
    positive_weight: float = 1.0,
    student_temperature: float = 1.0,
) -> Tensor:
    """-w log sigmoid(s) of a relevant candidate, -log(1 - sigmoid(s)) of any other; mean over all candidates.

    Scores are the logits of a probability of being relevant, on one scale for all queries: a constant added to a list
    changes the value. Candidates are compared one by one, so that longer lists weigh more, and a list without a
    relevant candidate counts as so many that are not relevant.

    Args:
        student: Scores [B, N].
        relevant: Boolean [B, N], judged relevant or not.
        mask: Boolean [B, N], true where there is a candidate; None for all.
        positive_weight: w, above 0: what a relevant candidate weighs in the sum; the mean is over candidates all the
            same, as in torch.
        student_temperature: Divides the student's scores; an option of ours (the original has none, so 1).

    Returns:
        Scalar, nats per candidate; 0 where the batch has none.

    Raises:
        DistillirError: The shapes do not fit.

    Source:
        Nogueira and Cho 2019 (arXiv 1901.04085, the loss of section 3), divided by the number of candidates.
    """
    return mean(bce_terms(student, relevant, mask, positive_weight, student_temperature), bce_count(relevant, mask))


def bce_terms(
    student: Tensor, relevant: Tensor, mask: Tensor | None, positive_weight: float, student_temperature: float
) -> Tensor:
    """The cross-entropies summed over the batch's candidates; arguments as `bce`."""
    real, dtype = real_places(student, mask), working_dtype(student)
    scores, wanted = zeroed(student, real, dtype) / student_temperature, zeroed(relevant, real, dtype)
    weight = scores.new_tensor(positive_weight)
    each = binary_cross_entropy_with_logits(scores, wanted, pos_weight=weight, reduction="none")
    return torch.where(real, each, 0.0).sum()


def bce_count(relevant: Tensor, mask: Tensor | None) -> Tensor:
    """Number of candidates of the batch; arguments as `bce`."""
    return real_places(relevant, mask).sum().to(torch.float32)


OBJECTIVE = Objective(
    name="bce",
    description="binary cross-entropy of each candidate's score against its judgement, mean over candidates",
    source="Nogueira and Cho 2019, arXiv 1901.04085",
    needs=frozenset({"relevant"}),
    terms=lambda student, signals, mask, options: bce_terms(
        student,
        signals["relevant"],
        mask,
        float(options["positive_weight"]),
        float(options["student_temperature"]),
    ),
    count=lambda signals, mask, options: bce_count(signals["relevant"], mask),
    options={"positive_weight": 1.0, "student_temperature": 1.0},
    bounds={"positive_weight": (0.0, math.inf), "student_temperature": (0.0, math.inf)},
)
