"""Ragged lists in rectangular tensors: masks, safe softmax and pairs that all objectives share."""

from collections.abc import Mapping

import torch
from torch import Tensor

from distillir.base.errors import DistillirError


def real_places(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Mask of the places of ``scores`` that hold a candidate.

    Args:
        scores: [B, N].
        mask: [B, N], true where there is a candidate; None where every place is real.

    Returns:
        Boolean [B, N].

    Raises:
        DistillirError: ``scores`` is not a matrix, or ``mask`` is of another shape.
    """
    if scores.dim() != 2:
        raise DistillirError(f"scores of shape {tuple(scores.shape)} where [queries, candidates] is expected")
    if mask is None:
        return torch.ones_like(scores, dtype=torch.bool)
    if mask.shape != scores.shape:
        raise DistillirError(f"a mask of shape {tuple(mask.shape)} for scores of shape {tuple(scores.shape)}")
    return mask.bool()


def own_places(mask: Tensor | None, signals: Mapping[str, Tensor]) -> Tensor | None:
    """``mask`` [B, N] without the places of other queries' documents, where the signals say which those are."""
    own = signals.get("own_list_mask")
    if own is None:
        return mask
    return own.bool() if mask is None else mask.bool() & own.bool()


def without_spared(mask: Tensor | None, signals: Mapping[str, Tensor]) -> Tensor | None:
    """``mask`` [B, N] without the places that must not be negatives, where the signals say which those are.

    ``spared`` bool [B, N] holds positives beside the one that is compared, and copies of their texts.
    """
    spared = signals.get("spared")
    if spared is None:
        return mask
    return ~spared.bool() if mask is None else mask.bool() & ~spared.bool()


def working_dtype(student: Tensor) -> torch.dtype:
    """The type an objective computes in: float32 whatever the encoder ran in, float64 where the scores have it."""
    return torch.float64 if student.dtype == torch.float64 else torch.float32


def zeroed(scores: Tensor, real: Tensor, dtype: torch.dtype) -> Tensor:
    """``scores`` [B, N] in ``dtype`` with 0 in the places that are not real.

    The zeros are put in before any arithmetic: a NaN multiplied by 0 stays NaN, in the gradient too.

    Raises:
        DistillirError: The shapes differ.
    """
    if scores.shape != real.shape:
        raise DistillirError(
            f"signals of shape {tuple(scores.shape)} for student scores of shape {tuple(real.shape)}",
            remedy="the student and the teacher must score the same lists",
        )
    return torch.where(real, scores.to(dtype), 0.0)


def log_softmax(scores: Tensor, real: Tensor) -> Tensor:
    """Log-probabilities [B, N] over the real places of each list; 0 elsewhere.

    Args:
        scores: Cleaned scores [B, N].
        real: Boolean [B, N]. A list without a real place gets zeros.
    """
    # The lowest finite number, not -inf: a list of nothing but -inf has a NaN gradient.
    filled = torch.where(real, scores, torch.finfo(scores.dtype).min)
    return torch.where(real, torch.log_softmax(filled, dim=1), 0.0)


def ordered_pairs(labels: Tensor, real: Tensor) -> Tensor:
    """Boolean [B, N, N]: candidate i is labelled above j, and both are real.

    Args:
        labels: [B, N], more is better.
        real: Boolean [B, N].
    """
    return (labels[:, :, None] > labels[:, None, :]) & real[:, :, None] & real[:, None, :]


def mean(numerator: Tensor, count: Tensor) -> Tensor:
    """``numerator / count``; 0 where there is nothing to count."""
    return numerator / count.clamp(min=1)
