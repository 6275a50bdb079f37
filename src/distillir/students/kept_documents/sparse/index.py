"""Weights of words by a sparse model as the index that is kept, from the store that searches use."""

from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.collections.table import TextTable
from distillir.encoding.narrow_segments import bytes_of_word
from distillir.encoding.store import Vectors
from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.model_index import ModelIndex

#: Words of a drawn document, and how many of them are drawn apart.
_WORDS, _DRAWN = 128, 1024


class WordsIndex(ModelIndex):
    """Weights of words by a sparse model, encoded once by the store that searches and teachers use."""

    kind = "sparse"

    def _similarity(self) -> str:
        return "dot"

    @property
    def width(self) -> int:
        """See `KeptIndex.width`: words of the vocabulary; the model is loaded."""
        return int(self.load().get_embedding_dimension())

    def vectors(self, table: TextTable) -> Any:
        """See `KeptIndex.vectors`; `distillir.encoding.sparse_vectors.WordWeights`, missing ones are encoded."""
        from distillir.encoding.sparse_vectors import encode_words

        return encode_words(self.model, table, kind="document", stored=self.stored, **self.encoding)

    def matrix(self, table: TextTable) -> Any:
        """The same in memory, a csr_matrix [rows, vocabulary]."""
        from distillir.encoding.sparse_vectors import encode_sparse

        return encode_sparse(self.model, table, kind="document", stored=self.stored, **self.encoding)

    def query_vectors(self, queries: TextTable, rows: Rows) -> Any:
        """A csr_matrix [len(rows), vocabulary] of queries by the documents' own query encoder; all processes."""
        from distillir.encoding.sparse_vectors import encode_sparse

        return encode_sparse(self.model, queries, rows, kind="query", **self.encoding)

    def facts(self, table: TextTable) -> dict[str, Any]:
        """See `KeptIndex.facts`."""
        kept = self.vectors(table)
        return {
            "name": self.name,
            "documents": len(table),
            "width": self.width,
            "bytes": bytes_of_word(self.width, self.stored) * kept.count,
            "similarity": self.similarity,
            "unit": "weights of words",
            "units": kept.count,
        }


class DrawnWords(KeptIndex):
    """Weights of words that are drawn by a fixed seed.

    Args:
        width: Words of the vocabulary.
    """

    name, similarity = "drawn words", "dot"

    def __init__(self, width: int) -> None:
        self._width = width

    @property
    def fingerprint(self) -> str:
        """See `KeptIndex.fingerprint`."""
        return f"drawn words {self._width}"

    @property
    def width(self) -> int:
        """See `KeptIndex.width`."""
        return self._width

    def vectors(self, table: TextTable) -> "DrawnWordWeights":
        """See `KeptIndex.vectors`."""
        return DrawnWordWeights(self._width)


class DrawnWordWeights:
    """Weights of words in place of `distillir.encoding.sparse_vectors.WordWeights`.

    Args:
        width: Words of the vocabulary.
    """

    def __init__(self, width: int) -> None:
        draw, each = np.random.default_rng(0), min(width, _WORDS)
        self._words = np.sort(draw.integers(0, width, (_DRAWN, each), dtype=np.int32), axis=1)
        self._weights = draw.random((_DRAWN, each), dtype=np.float32)

    def lengths_of(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Number of words of some rows."""
        return np.full(len(rows), self._words.shape[1], dtype=np.int64)

    def of(self, rows: Rows) -> list[tuple[npt.NDArray[np.int32], Vectors]]:
        """Words and weights of some rows."""
        return [(self._words[row], self._weights[row]) for row in (rows % _DRAWN).tolist()]
