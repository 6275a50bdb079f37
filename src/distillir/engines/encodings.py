"""Encodings of a corpus and of some queries, for filling an engine and for the exact answer that it is measured by."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.encoding.token_vectors import TokenVectors

Vectors = npt.NDArray[np.float32]
#: Relative difference of scores that counts as a tie: the order in which float32 is summed.
_TIE = 1e-5


class IndexedEncodings(ABC):
    """Encodings of documents and queries, and how they are compared.

    Attributes:
        encoding: ``dense``, ``sparse`` or ``multi-vector``.
        width: Numbers of a vector, or words of the vocabulary.
        similarity: ``cosine`` or ``dot``.
        asked: How many queries.
    """

    encoding: str
    width: int
    similarity: str
    asked: int

    @abstractmethod
    def documents(self, rows: Rows) -> Any:
        """Encodings of documents by row, as `distillir.engines.engine.DocumentBatch` has them."""

    @abstractmethod
    def query(self, place: int) -> Any:
        """Encoding of one query, as `distillir.engines.engine.Engine.search` takes it."""

    @abstractmethod
    def exact(self, depth: int) -> list[tuple[Rows, Scores]]:
        """Rows and scores of the best documents of each query, best first, by comparing all."""

    @abstractmethod
    def scores(self, place: int, rows: Rows) -> Scores:
        """Scores of a query with some documents."""

    def found(self, place: int, rows: Rows, best: tuple[Rows, Scores]) -> float:
        """Share of the exact answer that an engine's has; one that scores as the last of it counts as it does.

        Args:
            place: The query's.
            rows: The engine's answer.
            best: The exact one, of as many documents.
        """
        wanted, values = best
        if not len(wanted):
            return 1.0
        hit = np.isin(rows, wanted)
        if not hit.all() and len(rows):
            last = float(values[-1])
            hit |= self.scores(place, rows) >= last - _TIE * max(1.0, abs(last))
        return min(1.0, float(hit.sum()) / len(wanted))


class DenseEncodings(IndexedEncodings):
    """One vector a text.

    Args:
        documents: [N, D], float32 or what is kept; may be mapped.
        queries: [Q, D] float32.
        similarity: ``cosine`` or ``dot``.
        width: The first so many numbers of each; None: all.
    """

    encoding = "dense"

    def __init__(self, documents: Any, queries: Vectors, similarity: str, width: int | None = None) -> None:
        whole = int(documents.shape[1])
        if width is not None and width > whole:
            raise DistillirError(f"the vectors have {whole} numbers, and not {width}", where="--dimensions")
        self.width = whole if width is None else width
        self._documents, self._queries = documents, np.ascontiguousarray(queries[:, : self.width])
        self.similarity, self.asked = similarity, len(queries)

    @property
    def shape(self) -> tuple[int, int]:
        """Documents and width."""
        return len(self._documents), self.width

    def __len__(self) -> int:
        return len(self._documents)

    def __getitem__(self, rows: Any) -> Vectors:
        """Vectors of documents, for `distillir.retrieval.exact.exact_search`."""
        return np.ascontiguousarray(self._documents[rows][:, : self.width], dtype=np.float32)

    def documents(self, rows: Rows) -> Vectors:
        """See `IndexedEncodings.documents`."""
        return self[rows]

    def query(self, place: int) -> Vectors:
        """See `IndexedEncodings.query`."""
        return np.asarray(self._queries[place])

    def exact(self, depth: int) -> list[tuple[Rows, Scores]]:
        """See `IndexedEncodings.exact`."""
        from distillir.retrieval.exact import exact_search

        rows, scores = exact_search(self._queries, self, depth, cosine=self.similarity == "cosine")  # type: ignore[arg-type]
        return list(zip(rows, scores, strict=True))

    def scores(self, place: int, rows: Rows) -> Scores:
        """See `IndexedEncodings.scores`."""
        documents, query = self[rows], self._queries[place]
        if self.similarity == "cosine":
            lengths = np.linalg.norm(documents, axis=1) * np.linalg.norm(query)
            return np.asarray(documents @ query / np.maximum(lengths, 1e-12), dtype=np.float32)
        return np.asarray(documents @ query, dtype=np.float32)


class SparseEncodings(IndexedEncodings):
    """A weight for each word of a vocabulary.

    Args:
        documents: [N, V].
        queries: [Q, V].
    """

    encoding, similarity = "sparse", "dot"

    def __init__(self, documents: csr_matrix, queries: csr_matrix) -> None:
        self._documents, self._queries = documents, queries
        self.width, self.asked = int(documents.shape[1]), int(queries.shape[0])

    def documents(self, rows: Rows) -> csr_matrix:
        """See `IndexedEncodings.documents`."""
        return self._documents[rows]

    def query(self, place: int) -> csr_matrix:
        """See `IndexedEncodings.query`."""
        return self._queries[place]

    def exact(self, depth: int) -> list[tuple[Rows, Scores]]:
        """See `IndexedEncodings.exact`; documents that share no word with the query are not found."""
        postings, found = self._documents.T.tocsr(), []
        for place in range(self.asked):
            scored = (self._queries[place] @ postings).tocsr()
            rows, values = scored.indices.astype(np.int64), scored.data.astype(np.float32)
            order = np.lexsort((rows, -values))[:depth]
            order = order[values[order] > 0]
            found.append((rows[order], values[order]))
        return found

    def scores(self, place: int, rows: Rows) -> Scores:
        """See `IndexedEncodings.scores`."""
        return np.asarray((self._documents[rows] @ self._queries[place].T).toarray()[:, 0], dtype=np.float32)


class TokenEncodings(IndexedEncodings):
    """One vector a token, compared by MaxSim.

    Args:
        documents: Token vectors of the corpus, of length 1.
        queries: [tokens, D] each.
    """

    encoding, similarity = "multi-vector", "cosine"

    def __init__(self, documents: TokenVectors, queries: Sequence[Vectors]) -> None:
        self._documents, self._queries = documents, queries
        self.width, self.asked = int(queries[0].shape[1]), len(queries)

    def documents(self, rows: Rows) -> list[Vectors]:
        """See `IndexedEncodings.documents`."""
        return self._documents.of(rows)

    def query(self, place: int) -> Vectors:
        """See `IndexedEncodings.query`."""
        return np.asarray(self._queries[place])

    def exact(self, depth: int) -> list[tuple[Rows, Scores]]:
        """See `IndexedEncodings.exact`."""
        from distillir.retrieval.maxsim import best_by_maxsim

        return best_by_maxsim(list(self._queries), self._documents, depth)

    def scores(self, place: int, rows: Rows) -> Scores:
        """See `IndexedEncodings.scores`."""
        from distillir.retrieval.maxsim import maxsim

        return np.asarray(maxsim([self.query(place)], self._documents.of(rows))[0], dtype=np.float32)
