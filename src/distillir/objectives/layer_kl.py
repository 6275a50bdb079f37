"""Layer KL: layers of the student follow layers of the teacher, with more weight on its better ones (LEAD)."""

import torch
from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.objectives.kl import kl_count, kl_terms
from distillir.objectives.lists import log_softmax, mean, real_places, working_dtype, zeroed


def layer_kl(
    student_layers: Tensor,
    teacher_layers: Tensor,
    gold: Tensor,
    mask: Tensor | None = None,
    *,
    temperature: float = 1.0,
    layer_temperature: float = 10.0,
) -> Tensor:
    """Sum over layers k of w_k times the mean over queries of KL(softmax(t_k / T) || softmax(s_k)).

    The weights are softmax over k of -NLL_k / T_L, NLL_k being the teacher layer's cross-entropy of the gold document
    (mean over queries). They carry no gradient; the targets do, so that a teacher that is trained too learns from them.

    Args:
        student_layers: Scores of the student's layers [K, B, M], paired with the teacher's in order.
        teacher_layers: Scores of the teacher's layers [K, B, M].
        gold: Long [B], the column of the relevant document; -1 for a query without any, which the weights pass over.
        mask: Boolean [B, M], true where there is a candidate; None for all. Queries without any do not count.
        temperature: T, above 0, of the targets alone.
        layer_temperature: T_L, above 0.

    Returns:
        Scalar, nats per query.

    Raises:
        DistillirError: The shapes do not fit.

    Source:
        Sun et al. 2024 (LEAD, arXiv 2212.05225), microsoft/SimXNS LEAD/util.py layer_score_dis_loss.
    """
    if student_layers.dim() != 3 or student_layers.shape != teacher_layers.shape:
        raise DistillirError(
            f"student layers {tuple(student_layers.shape)} and teacher layers {tuple(teacher_layers.shape)}",
            remedy="give both as [layers, queries, candidates]",
        )
    weights = layer_weights(teacher_layers, gold, mask, layer_temperature=layer_temperature)
    count = kl_count(student_layers[0], mask)
    parts = [
        mean(kl_terms(student, teacher, mask, 1.0, temperature), count)
        for student, teacher in zip(student_layers, teacher_layers, strict=True)
    ]
    return (weights * torch.stack(parts)).sum()


def layer_weights(
    teacher_layers: Tensor, gold: Tensor, mask: Tensor | None = None, *, layer_temperature: float = 10.0
) -> Tensor:
    """softmax(-NLL_k / T_L) [K], without gradient; even where no query has a gold document. Arguments as `layer_kl`."""
    losses = torch.stack([mean(*gold_terms(scores.detach(), gold, mask)) for scores in teacher_layers])
    return torch.softmax(-losses / layer_temperature, dim=0)


def gold_terms(scores: Tensor, gold: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Cross-entropies of the gold columns, summed over the queries that have one, and the number of these queries.

    Args:
        scores: [B, M].
        gold: Long [B]; -1 for none.
        mask: Boolean [B, M]; None for all.
    """
    real, dtype = real_places(scores, mask), working_dtype(scores)
    column = gold.clamp(min=0).unsqueeze(1)
    known = (gold >= 0) & real.gather(1, column).squeeze(1)
    shares = log_softmax(zeroed(scores, real, dtype), real).gather(1, column).squeeze(1)
    return -torch.where(known, shares, 0.0).sum(), known.sum().to(torch.float32)
