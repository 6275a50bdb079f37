"""What a jointly trained teacher adds to a loss: its own cross-entropy, two-way KL of the outputs, layer KL."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from distillir.base.processes import world_size
from distillir.objectives.info_nce import info_nce_count, info_nce_terms
from distillir.objectives.kl import kl_count, kl_terms
from distillir.objectives.layer_kl import gold_terms
from distillir.objectives.lists import own_places, without_spared
from distillir.signals.layers.spec import LayerSpec

#: Scores [B, N] of lists, and by the drawn layers [K, B, N].
ByLayer = tuple[Tensor, Tensor]


def joint_counts(label: Mapping[str, Any]) -> dict[str, Tensor]:
    """Denominators of a batch."""
    mask = own_places(label["counted"], label)
    lists = kl_count(label["teacher"], mask)
    golds = info_nce_count(label["positive"], without_spared(mask, label))
    return {"teacher": golds, "response": lists, "layers": lists}


def joint_terms(
    student: ByLayer,
    teacher: ByLayer,
    label: Mapping[str, Any],
    spec: LayerSpec,
    temperatures: tuple[float, float],
    own_list: bool,
) -> tuple[dict[str, Tensor], Tensor]:
    """A batch's sums of the three parts by name, and the layers' weights [K]; nothing else is detached.

    Args:
        student: Scores by the student.
        teacher: Scores by the teacher, with gradient.
        label: What the collator made.
        spec: Weights and temperatures.
        temperatures: Of the outputs of student and teacher.
        own_list: Compare the query's own list alone.

    Source:
        microsoft/SimXNS LEAD/util.py (distill_loss, layer_score_dis_loss). The weights are those of the batch, in all
        processes; of accumulated batches each has its own, as there.
    """
    mask = own_places(label["mask"], label) if own_list else label["mask"]
    contrasted = without_spared(mask, label)
    (own, own_layers), (other, other_layers) = student, teacher
    first, second = temperatures
    found = {
        "teacher": spec.supervised * info_nce_terms(other, label["positive"], contrasted, second),
        "response": spec.response
        * (kl_terms(own, other, mask, first, second) + kl_terms(other, own, mask, second, first)),
    }
    losses = [gold_terms(scores.detach(), label["positive"], contrasted) for scores in other_layers]
    totals = torch.stack([torch.stack([total.float(), count.to(total.device)]) for total, count in losses])
    if world_size() > 1:
        dist.all_reduce(totals)
    weights = torch.softmax(-totals[:, 0] / totals[:, 1].clamp(min=1) / spec.layer_temperature, dim=0)
    parts = [
        kl_terms(one, two, mask, spec.student_temperature, spec.temperature)
        for one, two in zip(own_layers, other_layers, strict=True)
    ]
    found["layers"] = spec.weight * (weights * torch.stack(parts)).sum()
    return found, weights
