"""Ragged lists as matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from distillir.base.arrays import Flags, Rows, Scores
from distillir.batches.features import Places

#: So far below the worst candidate's score that a softmax at any temperature up to 100 gives nothing.
NOTHING = 1e4


@dataclass(frozen=True)
class ListRow:
    """One row of the matrices: a training example's list, or one that a signal puts beside it.

    Attributes:
        documents: Document rows [N].
        teacher: The teacher's scores [N].
        labels: The order wanted [N]: more is better.
        relevant: Judged relevant or not [N].
        open: Whether it is learnt from; if not it counts, and adds nothing.
    """

    documents: Rows
    teacher: Scores
    labels: Scores
    relevant: Flags
    open: bool


def list_tensors(
    lists: Sequence[ListRow],
    others: Sequence[Rows],
    outside: Sequence[float],
    places: Places,
    pseudo_positives: bool | str,
) -> dict[str, Any]:
    """Matrices of ragged lists, each followed by other documents that the teacher has not scored.

    Args:
        lists: The lists [B].
        others: Document rows that join each [B].
        outside: Label of those [B].
        places: Where document rows stand among the features.
        pseudo_positives: As `distillir.training.collator.ExampleCollator`.

    Returns:
        ``index``, ``teacher``, ``labels``, ``relevant``, ``mask``, ``counted`` and ``own`` [B, N], ``positive`` [B].
    """
    sizes = [len(one.documents) for one in lists]
    wholes = [size + len(other) for size, other in zip(sizes, others, strict=True)]
    shape = (len(lists), max(1, *wholes))  # of texts alone one column, which is masked
    index = np.zeros(shape, dtype=np.int64)
    teacher, labels = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    relevant, mask, counted, mine = (np.zeros(shape, dtype=bool) for _ in range(4))
    for i, (one, other, size, whole) in enumerate(zip(lists, others, sizes, wholes, strict=True)):
        index[i, :whole] = places.of(np.concatenate([one.documents, other]))
        if size:
            teacher[i, :size], teacher[i, size:whole] = one.teacher, one.teacher.min() - NOTHING
        labels[i, :size], labels[i, size:whole] = one.labels, outside[i]
        relevant[i, :size], mask[i, :whole], counted[i, :whole] = one.relevant, one.open, True
        mine[i, :size] = True
    if pseudo_positives == "always":
        relevant[:] = False
    if pseudo_positives:
        unjudged = np.flatnonzero(~relevant.any(axis=1))
        relevant[unjudged, np.where(counted, teacher, -np.inf)[unjudged].argmax(axis=1)] = True
    best = np.where(relevant, teacher, -np.inf).argmax(axis=1)
    values = {
        "index": index,
        "teacher": teacher,
        "labels": labels,
        "relevant": relevant,
        "positive": np.where(relevant.any(axis=1), best, -1),
        "mask": mask,
        "loss_mask": counted,
        "own_list_mask": mine,
    }
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in values.items()}
