"""KL divergence between the teacher's and the student's distribution over a query's candidates."""

import math

import torch
from torch import Tensor

from distillir.objectives.lists import log_softmax, mean, own_places, real_places, working_dtype, zeroed
from distillir.objectives.objective import Objective, Options, Signals


def kl(
    student: Tensor,
    teacher: Tensor,
    mask: Tensor | None = None,
    *,
    student_temperature: float = 1.0,
    teacher_temperature: float = 1.0,
) -> Tensor:
    """KL(softmax(teacher / T_t) || softmax(student / T_s)), summed over candidates, mean over queries.

    The value is not multiplied by a squared temperature. A query with one candidate counts and adds 0; a query
    without any does not count.

    Args:
        student: Scores [B, N].
        teacher: Scores [B, N] on any scale; the gradient reaches them too unless they are detached.
        mask: Boolean [B, N], true where there is a candidate; None for all.
        student_temperature: T_s, above 0.
        teacher_temperature: T_t, above 0.

    Returns:
        Scalar, nats per query.

    Raises:
        DistillirError: The shapes do not fit.

    Source:
        Hinton et al. 2015 (arXiv 1503.02531), over lists as in ColBERTv2 (arXiv 2112.01488, section 3.2).
    """
    return mean(kl_terms(student, teacher, mask, student_temperature, teacher_temperature), kl_count(teacher, mask))


def kl_terms(
    student: Tensor, teacher: Tensor, mask: Tensor | None, student_temperature: float, teacher_temperature: float
) -> Tensor:
    """The divergence summed over the batch's queries; arguments as `kl`."""
    real, dtype = real_places(student, mask), working_dtype(student)
    log_p = log_softmax(zeroed(teacher, real, dtype) / teacher_temperature, real)
    log_q = log_softmax(zeroed(student, real, dtype) / student_temperature, real)
    # Places that are not real hold log_p = log_q = 0 and so add nothing.
    return (log_p.exp() * (log_p - log_q)).sum()


def kl_count(teacher: Tensor, mask: Tensor | None) -> Tensor:
    """Number of queries that have a candidate; arguments as `kl`."""
    return real_places(teacher, mask).any(dim=1).sum().to(torch.float32)


def _terms(student: Tensor, signals: Signals, mask: Tensor | None, options: Options) -> Tensor:
    # The count is the same either way: a list's own candidates are there in both.
    mask = own_places(mask, signals) if options["own_list"] else mask
    temperatures = (float(options[name]) for name in ("student_temperature", "teacher_temperature"))
    return kl_terms(student, signals["teacher"], mask, *temperatures)


OBJECTIVE = Objective(
    name="kl",
    description="KL divergence between the softmax of the teacher's scores and the student's, mean over queries",
    source="Hinton et al. 2015, arXiv 1503.02531; over candidate lists: ColBERTv2, arXiv 2112.01488",
    needs=frozenset({"teacher"}),
    terms=_terms,
    count=lambda signals, mask, options: kl_count(signals["teacher"], mask),
    options={"student_temperature": 1.0, "teacher_temperature": 1.0, "own_list": False},
    bounds={"student_temperature": (0.0, math.inf), "teacher_temperature": (0.0, math.inf)},
    automatic=frozenset({"student_temperature", "teacher_temperature"}),
)
