"""An index of random vectors, for dry runs and measurements."""

import numpy as np

from distillir.collections.table import TextTable
from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.vectors import DocumentVectors

#: Distinct vectors.
_DRAWN = 4096


class DrawnIndex(KeptIndex):
    """Vectors of a width, drawn by a fixed seed; rows share some thousands of them.

    Args:
        similarity: See `KeptIndex`.
        width: Numbers of a vector.
    """

    name = "drawn vectors"

    def __init__(self, similarity: str, width: int) -> None:
        self.similarity, self._width = similarity, width

    @property
    def fingerprint(self) -> str:
        """See `KeptIndex.fingerprint`."""
        return f"drawn {self._width}"

    @property
    def width(self) -> int:
        """See `KeptIndex.width`."""
        return self._width

    def vectors(self, table: TextTable) -> DocumentVectors:
        """See `KeptIndex.vectors`."""
        drawn = np.random.default_rng(0).standard_normal((_DRAWN, self._width)).astype(np.float32)
        return DocumentVectors([drawn], np.arange(len(table), dtype=np.int64) % _DRAWN)
