"""Ranks of candidates by the student's scores; no gradient goes through them."""

import torch
from torch import Tensor


def student_ranks(scores: Tensor, real: Tensor, *, last: Tensor) -> Tensor:
    """Rank of each candidate in its list, from 1.

    Args:
        scores: Cleaned scores [B, N].
        real: Boolean [B, N]; other places come behind all real ones.
        last: [B, N]; of candidates with equal scores the one with more of this comes last.

    Returns:
        Long [B, N].
    """
    scores, last = scores.detach(), last.detach()
    order = torch.where(real, last, torch.inf).argsort(dim=1, stable=True)
    ranked = torch.where(real, -scores, torch.inf).gather(1, order).argsort(dim=1, stable=True)
    order = order.gather(1, ranked)
    places = torch.arange(1, scores.shape[1] + 1, device=scores.device).expand_as(order)
    return torch.zeros_like(order).scatter(1, order, places)
