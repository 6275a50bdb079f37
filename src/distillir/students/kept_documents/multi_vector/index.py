"""Token vectors of a model as the index that is kept, from the store that searches use."""

from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.collections.table import TextTable
from distillir.encoding.narrow_segments import bytes_of_vector
from distillir.encoding.store import Vectors
from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.model_index import ModelIndex

#: Distinct drawn vectors; characters of a token in the mean, and tokens of a text at most, where they are drawn.
_DRAWN, _CHARACTERS, _MOST = 4096, 5, 256


class TokensIndex(ModelIndex):
    """Token vectors of a model, encoded once by the store that searches and teachers use."""

    kind = "multi-vector"

    def _similarity(self) -> str:
        from distillir.encoding.model_files import read_model_json

        named = read_model_json(self.model, "config_sentence_transformers.json").get("similarity_fn_name")
        return "meanmaxsim" if named == "meanmaxsim" else "maxsim"

    @property
    def width(self) -> int:
        """See `KeptIndex.width`; the model is loaded."""
        return int(self.load().get_embedding_dimension())

    def vectors(self, table: TextTable) -> Any:
        """See `KeptIndex.vectors`; `distillir.encoding.token_vectors.TokenVectors`, missing ones are encoded."""
        from distillir.encoding.token_vectors import encode_tokens

        return encode_tokens(self.model, table, kind="document", stored=self.stored, **self.encoding)

    def query_vectors(self, queries: TextTable, rows: Rows) -> list[Vectors]:
        """Token vectors [tokens, D] of each query by the documents' own query encoder; all processes together."""
        from distillir.encoding.token_vectors import encode_tokens

        return encode_tokens(self.model, queries, rows, kind="query", **self.encoding).of(rows)

    def facts(self, table: TextTable) -> dict[str, Any]:
        """See `KeptIndex.facts`."""
        kept, width = self.vectors(table), self.width
        return {
            "name": self.name,
            "documents": len(table),
            "width": width,
            "bytes": bytes_of_vector(width, self.stored) * kept.count,
            "similarity": self.similarity,
            "unit": "token vectors",
            "units": kept.count,
        }


class DrawnTokens(KeptIndex):
    """Token vectors of a width, drawn by a fixed seed; texts have as many as their length lets expect.

    Args:
        similarity: See `KeptIndex`.
        width: Numbers of a vector.
    """

    name = "drawn token vectors"

    def __init__(self, similarity: str, width: int) -> None:
        self.similarity, self._width = similarity, width

    @property
    def fingerprint(self) -> str:
        """See `KeptIndex.fingerprint`."""
        return f"drawn tokens {self._width}"

    @property
    def width(self) -> int:
        """See `KeptIndex.width`."""
        return self._width

    def vectors(self, table: TextTable) -> "DrawnTokenVectors":
        """See `KeptIndex.vectors`."""
        return DrawnTokenVectors(table, self._width)


class DrawnTokenVectors:
    """Token vectors in place of `distillir.encoding.token_vectors.TokenVectors`.

    Args:
        table: Whose texts.
        width: Numbers of a vector.
    """

    def __init__(self, table: TextTable, width: int) -> None:
        self._table = table
        drawn = np.random.default_rng(0).standard_normal((_DRAWN + _MOST, width)).astype(np.float32)
        self._drawn = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    def lengths_of(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Number of token vectors of some rows."""
        letters = np.array([len(text) for text in self._table.texts(rows.tolist())], dtype=np.int64)
        return np.clip(letters // _CHARACTERS + 2, 2, _MOST)

    def of(self, rows: Rows) -> list[Vectors]:
        """Token vectors of some rows."""
        starts = rows % _DRAWN
        return [self._drawn[start : start + size] for start, size in zip(starts, self.lengths_of(rows), strict=True)]
