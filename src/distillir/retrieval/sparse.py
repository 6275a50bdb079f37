"""Sparse retrieval: an inverted index over the words of a vocabulary, exact."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.base.progress import progress
from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.narrow import Stored
from distillir.retrieval.opened import OpenedRetriever, QueryEncoder
from distillir.retrieval.shared_search import share_places

_QUERIES = 64


class SparseRetriever:
    """Retrieval by a sparse model; its vectors are kept in the cache.

    The inverted index is scipy's matrix of documents, compressed by word: the product with a query's vector walks
    the postings of the query's words, and no other. It is held in memory, 8 bytes a posting.

    Args:
        model: A folder or name that SparseEncoder loads.
        max_length: Tokens per text at most (default: the model's own).
        precision: Of the encoder.
        prompts: What stands before texts; see `distillir.encoding.model_options.check_prompts`.
        trust_remote_code: Whether code that comes with the model may run.
        stored: Form of the documents' weights on disk: ``float32`` or ``float16``.
    """

    def __init__(
        self,
        model: str,
        max_length: int | None = None,
        precision: str = "auto",
        prompts: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
        stored: Stored = "float32",
    ) -> None:
        self.model, self.stored = model, stored
        options = ModelOptions.of(prompts, trust_remote_code)
        self.encoding: dict[str, Any] = {"max_length": max_length, "precision": precision, "options": options}
        self.name = Path(model).name

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """Rank at most ``depth`` documents for query rows [Q] by dot product.

        A document that shares no word with a query is not found; a query without a word gets an empty list. Ties are
        broken by document row, ascending.

        Raises:
            DistillirError: The model cannot be loaded.
        """
        from distillir.encoding.sparse_vectors import encode_sparse

        # [vocabulary, documents], by word.
        postings = self.documents(collection).T.tocsr()
        queries = encode_sparse(self.model, collection.queries, query_rows, kind="query", **self.encoding)
        return share_places(
            lambda places: self._search(queries[places], postings, query_rows[places], depth), query_rows
        )

    def _search(self, queries: Any, postings: Any, query_rows: Rows, depth: int) -> Run:
        rows: list[Rows] = []
        scores: list[Scores] = []
        with progress("searching", len(query_rows)) as advance:
            for start in range(0, len(query_rows), _QUERIES):
                found = (queries[start : start + _QUERIES] @ postings).tocsr()
                for first, end in zip(found.indptr[:-1], found.indptr[1:], strict=True):
                    documents, values = _best(found.indices[first:end].astype(np.int64), found.data[first:end], depth)
                    rows.append(documents)
                    scores.append(values)
                advance(found.shape[0])
        return from_lists(query_rows, rows, scores, self.name)

    def documents(self, collection: Collection) -> Any:
        """Weights of words of the corpus, a csr_matrix [documents, vocabulary]; those that the cache lacks are made.

        Raises:
            DistillirError: The model cannot be loaded.
        """
        from distillir.encoding.sparse_vectors import encode_sparse

        return encode_sparse(self.model, collection.corpus, kind="document", stored=self.stored, **self.encoding)

    def opened(self, collection: Collection, first: OpenedRetriever | None = None) -> OpenedRetriever:
        """See `distillir.retrieval.opened.open_retriever`; the postings stay in memory."""
        postings = self.documents(collection).T.tocsr()
        return OpenedSparse(self.name, QueryEncoder("sparse", self.model, self.encoding), postings)

    def why_nothing(self, collection: Collection, query_rows: Rows) -> str:
        """The likely reason why no query has a document."""
        return "their vectors share no word of the model's vocabulary with the documents'; is it a sparse model?"


class OpenedSparse:
    """An inverted index in memory.

    Args:
        name: For people.
        encoder: Of queries.
        postings: Weights [vocabulary, documents], compressed by word.
    """

    def __init__(self, name: str, encoder: QueryEncoder, postings: Any) -> None:
        self.name, self._encoder, self._postings = name, encoder, postings

    def search_text(self, text: str, depth: int) -> tuple[Rows, Scores]:
        """See `distillir.retrieval.opened.OpenedRetriever.search_text`."""
        from scipy.sparse import csr_matrix

        query = self._encoder.encode(text)
        shape = (1, self._postings.shape[0])
        found = csr_matrix((query["values"], query["words"], [0, len(query["words"])]), shape=shape) @ self._postings
        return _best(found.indices.astype(np.int64), found.data, depth)


def _best(documents: Rows, values: Scores, depth: int) -> tuple[Rows, Scores]:
    """The ``depth`` documents of highest positive value, ties by row ascending."""
    order = np.lexsort((documents, -values))[:depth]
    order = order[values[order] > 0]
    return documents[order], values[order]
