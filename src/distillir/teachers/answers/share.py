"""The part of a teacher's questions that one of several processes asks, none of which knows the others."""

import numpy as np

from distillir.base.arrays import Flags, Rows
from distillir.teachers.answers.keys import Keys


class InShare:
    """Choice of the questions of each batch of a block that are asked, batch by batch in the block's order.

    A batch belongs to the share in which its beginning lies: batches stay whole, and are those of one process, since a
    model's numbers depend in their last bits on what else is in a batch.

    Args:
        missing: Mask [N] of the questions of the block that have no answer yet.
        begin: Where the share begins in the block, the whole block being from 0 to 1.
        end: Where it ends.
    """

    def __init__(self, missing: Flags, begin: float, end: float) -> None:
        self._missing, self._begin, self._end = missing, begin, end
        self._before = 0

    def __call__(self, places: Rows) -> Flags:
        """Mask [B] of the places [B] of the next batch."""
        at = self._before / max(1, len(self._missing))
        self._before += len(places)
        asked: Flags = self._missing[places] & (self._begin <= at < self._end)
        return asked


def new_keys(keys: Keys, seen: Keys) -> tuple[Rows, Keys]:
    """Places of the keys [N, 2] that stand there for the first time and are not among ``seen`` [M, 2], ascending.

    Returns:
        The places, and all keys seen so far, each once.
    """
    both, first = np.unique(np.concatenate([seen, keys]), axis=0, return_index=True)
    places: Rows = np.sort(first[first >= len(seen)]) - len(seen)
    return places, both
