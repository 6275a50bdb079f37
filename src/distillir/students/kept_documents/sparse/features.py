"""Weights of words that stay as the features of a batch."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from distillir.base.arrays import Rows
from distillir.encoding.store import Vectors


class KeptWords(Protocol):
    """Weights of words of a table's rows: `distillir.encoding.sparse_vectors.WordWeights`, or drawn ones."""

    def lengths_of(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Number of words of some rows."""

    def of(self, rows: Rows) -> list[tuple[npt.NDArray[np.int32], Vectors]]:
        """Words and weights of some rows, in the order given."""


class WordFeatures:
    """Documents' weights of words as the features of a batch; stands where tokens stand of other students.

    Args:
        kept: Of the corpus, and of texts that signals bring behind it; read by row from mapped files.
    """

    def __init__(self, kept: KeptWords) -> None:
        self.kept = kept

    def lengths(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Number of words of each row [len(rows)]."""
        return self.kept.lengths_of(rows)

    def batch(self, rows: Rows) -> dict[str, Any]:
        """``words`` and ``weights`` [words of all] of the rows in the order given, and how many each has, ``sizes``."""
        found = self.kept.of(rows)
        # A process may have no document in a step.
        words = np.concatenate([np.zeros(0, dtype=np.int32), *(own for own, _ in found)])
        weights = np.concatenate([np.zeros(0, dtype=np.float32), *(own for _, own in found)])
        sizes = torch.tensor([len(own) for own, _ in found], dtype=torch.int64)
        return {"words": torch.from_numpy(words), "weights": torch.from_numpy(weights), "sizes": sizes}
