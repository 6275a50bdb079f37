"""Documents that must not be negatives in a batch: other positives, and copies of a positive's text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from distillir.base.arrays import Rows
from distillir.collections.known_positives import KnownPositives
from distillir.plans.training_example import TrainingExample


def texts_of(documents: Rows, known: KnownPositives | None) -> Rows:
    """Keys that document rows are compared by [N]: of their texts, or the rows where no texts are known.

    A row of -1 has any.
    """
    return documents if known is None else known.texts[documents]


def never_join(example: TrainingExample, in_batch: bool | str, known: KnownPositives | None) -> Rows:
    """The texts (see `texts_of`) that never join a training example's list as negatives, each once.

    Args:
        example: A query and its list.
        in_batch: ``all`` lets the query's candidates that are not in its list join, unless they are positives.
        known: Knows positives by their texts; None: only the query's own candidates are kept away.
    """
    own = texts_of(example.documents if in_batch == "all" else example.candidate_pool, known)
    return np.unique(own) if known is None else np.union1d(own, known.never(example.query))


def spare(label: Mapping[str, Any], examples: Sequence[TrainingExample], known: KnownPositives) -> dict[str, Any]:
    """``relevant`` and ``spared`` of a label [B, N]: what counts as a positive, and which places are no negatives.

    Positives are those that the label has (a pseudo-positive among them), what is judged, and all copies of either;
    spared are all of them but the one that is compared (``positive``).
    """
    relevant, spared = label["relevant"].clone(), torch.zeros_like(label["relevant"])
    for row, example in enumerate(examples):
        size = len(example.documents)
        positives = example.relevant | relevant[row, :size].numpy()
        relevant[row, :size] = torch.from_numpy(known.among(example.query, example.documents, positives))
        column = int(label["positive"][row])
        spared[row] = relevant[row]
        if column >= 0:
            spared[row, column] = False
    return {"relevant": relevant, "spared": spared}
