"""Pair KL: the student learns to prefer one of two candidates as surely as a pairwise teacher does (PairDistill)."""

import math

import torch
from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.objectives.lists import mean, real_places, working_dtype, zeroed
from distillir.objectives.objective import Objective, Options, Signals


def pair_kl(
    student: Tensor,
    pairs: Tensor,
    preferences: Tensor,
    mask: Tensor | None = None,
    *,
    student_temperature: float = 1.0,
) -> Tensor:
    """Mean over all pairs of the batch of KL([P, 1 - P] || softmax([s_i, s_j] / T_s)).

    Args:
        student: Scores [B, N].
        pairs: Long [P, 3], rows (query, i, j): the list and the columns of two of its candidates.
        preferences: P(i beats j) [P], from 0 to 1; both ends are allowed.
        mask: Boolean [B, N], true where there is a candidate; None for all. A pair of which one is none adds nothing
            to numerator and denominator.
        student_temperature: T_s, above 0.

    Returns:
        Scalar, nats per pair; 0 without any pair.

    Raises:
        DistillirError: The shapes do not fit.

    Source:
        Huang and Chen 2024 (PairDistill, arXiv 2410.01383), MiuLab/PairDistill ColBERT/colbert/training/training.py.
    """
    numerator = pair_kl_terms(student, pairs, preferences, mask, student_temperature)
    return mean(numerator, pair_kl_count(pairs, mask))


def pair_kl_terms(
    student: Tensor, pairs: Tensor, preferences: Tensor, mask: Tensor | None, student_temperature: float
) -> Tensor:
    """The divergences summed over the pairs; arguments as `pair_kl`."""
    if pairs.dim() != 2 or pairs.shape[1] != 3 or preferences.shape != pairs.shape[:1]:
        raise DistillirError(
            f"pairs of shape {tuple(pairs.shape)} and preferences of shape {tuple(preferences.shape)}",
            remedy="give pairs [P, 3] of (query, i, j) and preferences [P]",
        )
    real, dtype = real_places(student, mask), working_dtype(student)
    scores = zeroed(student, real, dtype) / student_temperature
    query, first, second = pairs.unbind(dim=1)
    margin = scores[query, first] - scores[query, second]
    both = real[query, first] & real[query, second]
    wins = torch.where(both, preferences.to(dtype), 0.5)
    loses = 1 - wins
    # log softmax([s_i, s_j]) is (-softplus(-margin), -softplus(margin)); x log x is 0 at 0.
    divergence = (
        torch.xlogy(wins, wins)
        + torch.xlogy(loses, loses)
        + wins * torch.nn.functional.softplus(-margin)
        + loses * torch.nn.functional.softplus(margin)
    )
    return torch.where(both, divergence, 0.0).sum()


def pair_kl_count(pairs: Tensor, mask: Tensor | None) -> Tensor:
    """Number of pairs that have two candidates; arguments as `pair_kl`."""
    if mask is None:
        return torch.tensor(float(len(pairs)), device=pairs.device)
    query, first, second = pairs.unbind(dim=1)
    real = mask.bool()
    return (real[query, first] & real[query, second]).sum().to(torch.float32)


def flat_pairs(signals: Signals) -> tuple[Tensor, Tensor]:
    """Pairs [P, 3] and preferences [P] of the signals ``pairs`` [B, M, 2] (-1: none) and ``preferences`` [B, M]."""
    pairs = signals["pairs"]
    query, place = (pairs[:, :, 0] >= 0).nonzero(as_tuple=True)
    return torch.cat([query[:, None], pairs[query, place]], dim=1), signals["preferences"][query, place]


def _terms(student: Tensor, signals: Signals, mask: Tensor | None, options: Options) -> Tensor:
    pairs, preferences = flat_pairs(signals)
    return pair_kl_terms(student, pairs, preferences, mask, float(options["student_temperature"]))


OBJECTIVE = Objective(
    name="pair_kl",
    description="KL divergence between a pairwise teacher's preference and the student's, mean over the batch's pairs",
    source="Huang and Chen 2024, PairDistill, arXiv 2410.01383",
    needs=frozenset({"pairs", "preferences"}),
    terms=_terms,
    count=lambda signals, mask, options: pair_kl_count(flat_pairs(signals)[0], mask),
    options={"student_temperature": 1.0},
    bounds={"student_temperature": (0.0, math.inf)},
)
