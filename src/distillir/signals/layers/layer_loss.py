"""The layers' part of a loss, exact over accumulated batches and several processes."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from distillir.objectives.kl import kl_count, kl_terms
from distillir.objectives.layer_kl import gold_terms
from distillir.objectives.lists import own_places, without_spared
from distillir.signals.layers.draw import LayerDraw
from distillir.signals.signal_training import HIDDEN


def layer_counts(label: Mapping[str, Any]) -> dict[str, Tensor]:
    """Denominators of a batch, and what the weights of the teacher's layers are made of.

    That is, hidden, how well each layer of the teacher finds the gold documents.
    """
    mask = own_places(label["counted"], label)
    found = {"layers": kl_count(label["layers"][0], mask)}
    for number, scores in enumerate(label["layers"]):
        total, count = gold_terms(scores, label["positive"], without_spared(mask, label))
        found |= {f"{HIDDEN}layer {number}": total, f"{HIDDEN}gold": count}
    return found


def layer_term(
    student: Tensor, label: Mapping[str, Any], counts: Mapping[str, Tensor], draw: LayerDraw, step: int
) -> tuple[Tensor, Tensor]:
    """A batch's sum of the weighted layer KL of a step, and the weights [K]; see `distillir.objectives.layer_kl`.

    Args:
        student: Scores by the student's layers of the step [K, B, N].
        label: What the collator made.
        counts: Totals of the step, of `layer_counts`.
        draw: Which layers are compared.
        step: Number of the step.
    """
    spec, mask = draw.spec, own_places(label["mask"], label)
    teacher, device = draw.at(step)[0], student.device
    losses = torch.stack([counts[f"{HIDDEN}layer {number}"] for number in teacher]).to(device)
    weights = torch.softmax(-losses / counts[f"{HIDDEN}gold"].to(device).clamp(min=1) / spec.layer_temperature, dim=0)
    parts = torch.stack(
        [
            kl_terms(own, label["layers"][number], mask, spec.student_temperature, spec.temperature)
            for own, number in zip(student, teacher, strict=True)
        ]
    )
    return spec.weight * (weights * parts).sum(), weights
