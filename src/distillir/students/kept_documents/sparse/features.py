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
        words, weights = zip(*self.kept.of(rows), strict=True)
        return {
            "words": torch.from_numpy(np.concatenate(words)),
            "weights": torch.from_numpy(np.concatenate(weights)),
            "sizes": torch.tensor([len(own) for own in words]),
        }
