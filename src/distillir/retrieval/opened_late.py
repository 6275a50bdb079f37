"""Late interaction for one query at a time: the candidates of a first stage in the order of MaxSim."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection
from distillir.encoding.store import Vectors
from distillir.encoding.token_vectors import TokenVectors
from distillir.retrieval.maxsim import maxsim
from distillir.retrieval.opened import QueryEncoder, best_rows, open_retriever

if TYPE_CHECKING:
    from distillir.retrieval.multi_vector import MultiVectorRetriever

#: Corpora up to this many documents are compared whole, where no first stage is named.
EXHAUSTIVE_AT_ONCE = 500
#: Candidates that are compared at most: a person waits.
CANDIDATES_AT_ONCE = 200

#: Document rows to be compared for a query's text and its token vectors [L, D].
FindCandidates = Callable[[str, Vectors], Rows]


class OpenedLate:
    """MaxSim over candidates.

    Args:
        name: For people.
        encoder: Of queries.
        documents: Token vectors of the corpus.
        candidates: Finds what is compared.
    """

    def __init__(self, name: str, encoder: QueryEncoder, documents: TokenVectors, candidates: FindCandidates) -> None:
        self.name, self._encoder, self._documents, self._candidates = name, encoder, documents, candidates

    def search_text(self, text: str, depth: int) -> tuple[Rows, Scores]:
        """See `distillir.retrieval.opened.OpenedRetriever.search_text`."""
        vectors = self._encoder.encode(text)["vectors"]
        rows = np.sort(self._candidates(text, vectors))
        if not len(rows):
            return rows, np.empty(0, dtype=np.float32)
        places, scores = best_rows(maxsim([vectors], self._documents.of(rows))[0], depth)
        return rows[places], scores


def open_late(retriever: "MultiVectorRetriever", collection: Collection) -> OpenedLate:
    """Open a late-interaction retriever; token vectors that the cache lacks are made.

    Raises:
        DistillirError: The model cannot be loaded, or the first stage cannot be opened.
    """
    documents = retriever.documents(collection)
    encoder = QueryEncoder("multi-vector", retriever.model, retriever.encoding)
    first: Any = retriever.first
    if first is None and len(collection.corpus) <= EXHAUSTIVE_AT_ONCE:
        every = np.arange(len(collection.corpus), dtype=np.int64)
        return OpenedLate(retriever.name, encoder, documents, lambda text, vectors: every)
    depth = min(retriever.first_depth, CANDIDATES_AT_ONCE)
    return OpenedLate(retriever.name, encoder, documents, _first_stage(retriever, documents, collection, depth))


def _first_stage(
    retriever: "MultiVectorRetriever", documents: TokenVectors, collection: Collection, depth: int
) -> FindCandidates:
    if retriever.first == "index":
        from distillir.base.files import cache_root
        from distillir.retrieval.late_index import LateIndex

        index = LateIndex(documents, cache_root() / "late-index" / documents.folder.name)
        return lambda text, vectors: index.search(vectors, depth, retriever.probes)
    from distillir.retrieval.sources import load_retriever

    source = open_retriever(load_retriever(retriever.first or "bm25"), collection)
    return lambda text, vectors: source.search_text(text, depth)[0]
