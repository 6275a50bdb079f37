"""Candidates of a teaching set that an exported file may name as negatives."""

import numpy as np

from distillir.base.arrays import Flags
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.collections.known_positives import KnownPositives
from distillir.teaching.teaching_set import TeachingSet


class Negatives:
    """Negatives of the lists of a teaching set: neither positives, nor copies of one under another id.

    Args:
        teaching_set: Whose lists.
        collection: Their texts and judgements.
    """

    def __init__(self, teaching_set: TeachingSet, collection: Collection) -> None:
        self.teaching_set, self.known, self.left_out = teaching_set, KnownPositives(collection), 0

    def of(self, index: int, positives: Flags) -> Flags:
        """Mask [N] of a list's candidates that are negatives, given the mask [N] of positives that the file names."""
        query = int(self.teaching_set.queries[index])
        spared = self.known.among(query, self.teaching_set.documents(index), np.asarray(positives))
        self.left_out += int((spared & ~positives).sum())
        return np.asarray(~spared, dtype=bool)

    def say(self) -> None:
        """Print how many candidates are named neither positives nor negatives."""
        if self.left_out:
            say(
                f"left out {self.left_out:,} candidates that must not be negatives: they are known to be "
                "relevant, or have the text of a positive"
            )
