"""Batches of similar length in random order, for sentence-transformers' trainers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sentence_transformers.base.sampler import DefaultBatchSampler

BATCHES_PER_GROUP = 50


class LengthBatches(DefaultBatchSampler):
    """Shuffle, sort by length within groups of 50 batches, cut, shuffle the batches: little padding, still random.

    The order depends on seed and epoch alone, so that a resumed training meets the same batches.

    Args:
        lengths: Of each row of the data set [N].
        dataset: The data set.
        batch_size: Rows in a batch.
        options: What the trainer passes beside.
    """

    def __init__(self, lengths: npt.NDArray[np.int64], dataset: Any, batch_size: int, **options: Any) -> None:
        super().__init__(dataset, batch_size=batch_size, **{"drop_last": False, **options})
        self.lengths = lengths

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng([self.seed, self.epoch])
        order = draw.permutation(len(self.lengths))
        size = self.batch_size * BATCHES_PER_GROUP
        groups = [order[start : start + size] for start in range(0, len(order), size)]
        ordered = np.concatenate([group[np.argsort(-self.lengths[group], kind="stable")] for group in groups])
        batches = [ordered[start : start + self.batch_size] for start in range(0, len(ordered), self.batch_size)]
        if self.drop_last and len(batches[-1]) < self.batch_size:
            batches.pop()
        for i in draw.permutation(len(batches)):
            yield batches[i].tolist()

    def __len__(self) -> int:
        whole, rest = divmod(len(self.lengths), int(self.batch_size))
        return whole + (1 if rest and not self.drop_last else 0)
