"""Token vectors that stay as the features of a batch."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from distillir.base.arrays import Rows
from distillir.encoding.store import Vectors


class KeptTokens(Protocol):
    """Token vectors of a table's rows: `distillir.encoding.token_vectors.TokenVectors`, or drawn ones."""

    def lengths_of(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Number of token vectors of some rows."""

    def of(self, rows: Rows) -> list[Vectors]:
        """Token vectors [tokens, D] of some rows, in the order given."""


class TokenFeatures:
    """Documents' token vectors as the features of a batch; stands where tokens stand of students that read documents.

    Args:
        kept: Of the corpus, and of texts that signals bring behind it; read by row from mapped files.
    """

    def __init__(self, kept: KeptTokens) -> None:
        self.kept = kept

    def lengths(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Number of token vectors of each row [len(rows)]."""
        return self.kept.lengths_of(rows)

    def batch(self, rows: Rows) -> dict[str, Any]:
        """``vectors`` [all tokens, D] float32 of the rows in the order given, and how many each has, ``sizes`` [T]."""
        found = self.kept.of(rows)
        sizes = torch.tensor([len(vectors) for vectors in found], dtype=torch.int64)
        # A process may have no document in a step: then a row's vectors tell the width.
        vectors = np.concatenate(found) if found else self.kept.of(np.zeros(1, dtype=np.int64))[0][:0]
        return {"vectors": torch.from_numpy(vectors), "sizes": sizes}
