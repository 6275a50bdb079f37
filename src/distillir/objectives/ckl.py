"""CKL: KL with weighted terms that separate positives from negatives instead of copying the teacher."""

import math

import torch
from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.objectives.kl import kl_count
from distillir.objectives.lists import log_softmax, mean, real_places, working_dtype, zeroed
from distillir.objectives.objective import Objective, Options
from distillir.objectives.ranks import student_ranks

#: Forms of beta_i, the bias of the negative on the student's rank r (from 1) among the n negatives of its list.
BIASES = {
    "reciprocal": "beta / r: the student's hardest negatives keep most weight (default)",
    "linear": "beta (1 - (r - 1) / n): falls evenly from beta to nearly 0",
    "constant": "beta for every negative",
}

# 1 - q is never smaller: a positive that has all the probability would have an infinite gradient through its weight.
_SMALLEST = 1e-7


def ckl(
    student: Tensor,
    teacher: Tensor,
    relevant: Tensor,
    mask: Tensor | None = None,
    *,
    gamma: float,
    beta: float,
    detach_weights: bool = True,
    bias: str = "reciprocal",
    student_temperature: float = 1.0,
    teacher_temperature: float = 1.0,
) -> Tensor:
    """Sum over a list of w p ln(p / q), with w = (1 - q)^gamma for positives and q^(gamma - beta_i) for negatives.

    p is the teacher's and q the student's softmax over the list. A positive that the student has at the top weighs
    little, and so does a negative that it has at the bottom. gamma = beta = 0 is `distillir.objectives.kl` exactly. The
    value may be below 0: a weighted sum of p ln(p / q) is no divergence.

    A list of nothing but positives, or of nothing but negatives, is weighted by the one rule it has. Negatives that
    the student ties are ranked in the teacher's reverse order; ties of the teacher matter nowhere else.

    **Reconstruction.** The paper's text was not to be had: the form of the weights is known, but not gamma, beta, nor
    how beta_i depends on the rank, nor whether gradients go through the weights. All are arguments here.

    Args:
        student: Scores [B, N].
        teacher: Scores [B, N].
        relevant: Boolean [B, N], true for positives.
        mask: Boolean [B, N], true where there is a candidate; None for all.
        gamma: At least 0; 0 leaves positives as KL has them.
        beta: 0 to gamma: beyond it the weight of a negative would grow without bound as q falls.
        detach_weights: Take the weights for constants; false lets the gradient through them.
        bias: How beta_i follows from beta: one of `BIASES`.
        student_temperature: Divides the student's scores, above 0.
        teacher_temperature: Divides the teacher's, above 0.

    Returns:
        Scalar, nats per query, mean over the queries that have a candidate.

    Raises:
        DistillirError: The shapes do not fit, or gamma and beta are out of range.

    Source:
        Yang et al. 2024 (SIGIR, arXiv 2406.05977); the weights as told by summaries of it.
    """
    if problem := _problem(gamma, beta, bias):
        raise DistillirError(problem, where="ckl")
    options: Options = {
        "gamma": gamma,
        "beta": beta,
        "detach_weights": detach_weights,
        "bias": bias,
        "student_temperature": student_temperature,
        "teacher_temperature": teacher_temperature,
    }
    return mean(ckl_terms(student, teacher, relevant, mask, options), kl_count(teacher, mask))


def ckl_terms(student: Tensor, teacher: Tensor, relevant: Tensor, mask: Tensor | None, options: Options) -> Tensor:
    """The weighted terms summed over the batch's queries; arguments as `ckl`."""
    real, dtype = real_places(student, mask), working_dtype(student)
    if relevant.shape != real.shape:
        raise DistillirError(
            f"relevance of shape {tuple(relevant.shape)} for student scores of shape {tuple(real.shape)}"
        )
    scores, signal = zeroed(student, real, dtype), zeroed(teacher, real, dtype)
    log_p = log_softmax(signal / float(options["teacher_temperature"]), real)
    log_q = log_softmax(scores / float(options["student_temperature"]), real)
    weights = ckl_weights(log_q, signal, relevant.bool(), real, options)
    # Places that are not real hold log_p = log_q = 0 and so add nothing.
    return (weights * log_p.exp() * (log_p - log_q)).sum()


def ckl_weights(log_q: Tensor, teacher: Tensor, relevant: Tensor, real: Tensor, options: Options) -> Tensor:
    """The weight of each term.

    Args:
        log_q: The student's log-probabilities [B, N].
        teacher: Cleaned teacher scores [B, N], which break ties of the student's ranks.
        relevant: Boolean [B, N].
        real: Boolean [B, N].
        options: Those of `OBJECTIVE`.

    Returns:
        [B, N], in [0, 1].
    """
    if options["detach_weights"]:
        log_q = log_q.detach()
    gamma, beta = float(options["gamma"]), float(options["beta"])
    negative = real & ~relevant
    ranks = student_ranks(log_q, negative, last=teacher).to(log_q.dtype)
    if options["bias"] == "reciprocal":
        biases = beta / ranks
    elif options["bias"] == "linear":
        biases = beta * (1 - (ranks - 1) / negative.sum(dim=1, keepdim=True).clamp(min=1))
    else:
        biases = torch.full_like(ranks, beta)
    # Real q alone are exponentiated; elsewhere log_q is 0 and the weight 1, of terms that are 0.
    positives = torch.log1p(-log_q.exp().clamp(max=1 - _SMALLEST)) * gamma
    exponents = torch.where(relevant & real, positives, (gamma - biases) * log_q)
    return torch.where(real, exponents, 0.0).exp()


def _problem(gamma: float, beta: float, bias: str) -> str | None:
    """Find a mistake in the options: a message, or None where they are sound."""
    if bias not in BIASES:
        return f"bias={bias!r} is none of {', '.join(BIASES)}"
    if not (math.isfinite(gamma) and gamma >= 0):
        return f"gamma={gamma:g} is below 0"
    if not 0 <= beta <= gamma:
        return f"beta={beta:g} is not between 0 and gamma={gamma:g}; give both, or negatives' weights have no bound"
    return None


OBJECTIVE = Objective(
    name="ckl",
    description="KL with terms weighted by the student's own probabilities, so that positives and negatives part "
    "(reconstruction)",
    source="Yang et al. 2024, Weighted KL-Divergence for Document Ranking Model Refinement, SIGIR, arXiv 2406.05977",
    needs=frozenset({"teacher", "relevant"}),
    terms=lambda student, signals, mask, options: ckl_terms(
        student, signals["teacher"], signals["relevant"], mask, options
    ),
    count=lambda signals, mask, options: kl_count(signals["teacher"], mask),
    options={
        "gamma": 0.5,
        "beta": 0.0,
        "detach_weights": True,
        "bias": "reciprocal",
        "student_temperature": 1.0,
        "teacher_temperature": 1.0,
    },
    bounds={"student_temperature": (0.0, math.inf), "teacher_temperature": (0.0, math.inf)},
    choices={"bias": tuple(BIASES)},
    problem=lambda options: _problem(float(options["gamma"]), float(options["beta"]), str(options["bias"])),
    automatic=frozenset({"student_temperature", "teacher_temperature"}),
)
