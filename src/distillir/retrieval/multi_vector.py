"""Late-interaction retrieval: MaxSim over a whole small corpus, or over the candidates of a first stage."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.base.progress import progress
from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.narrow import Stored
from distillir.encoding.store import Vectors
from distillir.encoding.token_vectors import TokenVectors
from distillir.retrieval.found_nothing import tell_found_nothing
from distillir.retrieval.maxsim import QUERIES, best_by_maxsim, maxsim
from distillir.retrieval.opened import OpenedRetriever
from distillir.retrieval.shared_search import share_places
from distillir.retrieval.sources import load_retriever

#: Corpora up to this many documents are searched exhaustively where no first stage is named.
EXHAUSTIVE = 20_000


class MultiVectorRetriever:
    """Retrieval by a multi-vector model; token vectors are kept in the cache.

    Args:
        model: A folder or name that MultiVectorEncoder loads.
        max_length: Tokens per text at most (default: the model's own).
        first: Source of the candidates that are compared: as in a recipe's ``candidates.from``, or ``index`` for an
            index of the token vectors (`distillir.retrieval.late_index`). None compares all of a corpus of at most
            `EXHAUSTIVE` documents, and BM25's best of a larger one.
        first_depth: How many candidates of the first stage.
        precision: Of the encoder.
        probes: With ``index``: partitions looked into for each of a query's vectors.
        prompts: What stands before texts; see `distillir.encoding.model_options.check_prompts`.
        trust_remote_code: Whether code that comes with the model may run.
        stored: Form of the documents' token vectors on disk: ``float32``, ``float16`` or ``int8``.
    """

    def __init__(
        self,
        model: str,
        max_length: int | None = None,
        first: Any = None,
        first_depth: int = 1000,
        precision: str = "auto",
        probes: int = 16,
        prompts: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
        stored: Stored = "float32",
    ) -> None:
        self.stored = stored
        self.model, self.first, self.first_depth, self.probes = model, first, first_depth, probes
        options = ModelOptions.of(prompts, trust_remote_code)
        self.encoding: dict[str, Any] = {"max_length": max_length, "precision": precision, "options": options}
        self.name = Path(model).name

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """Rank at most ``depth`` documents for query rows [Q], by the model's own similarity.

        Raises:
            DistillirError: The model cannot be loaded, or the first stage fails.
        """
        from distillir.encoding.token_vectors import encode_tokens

        first = self.first
        if first is None and len(collection.corpus) > EXHAUSTIVE:
            first = "bm25"
        documents = self.documents(collection)
        queries = encode_tokens(self.model, collection.queries, query_rows, kind="query", **self.encoding).of(
            query_rows
        )
        if first is None:
            return share_places(
                lambda places: _run(
                    query_rows[places],
                    best_by_maxsim([queries[place] for place in places], documents, depth),
                    self.name,
                ),
                query_rows,
                QUERIES,
            )
        candidates = self._candidates(first, collection, query_rows, queries, documents)

        def search(places: Rows) -> Run:
            found = []
            with progress("MaxSim", len(places)) as advance:
                for place in places.tolist():
                    rows = candidates(place)
                    scores = maxsim([queries[place]], documents.of(rows))[0] if len(rows) else np.empty(0, np.float32)
                    order = np.lexsort((rows, -scores))[:depth]
                    found.append((rows[order], scores[order]))
                    advance(1)
            return _run(query_rows[places], found, self.name)

        return share_places(search, query_rows)

    def documents(self, collection: Collection) -> TokenVectors:
        """Token vectors of the corpus; those that the cache lacks are made.

        Raises:
            DistillirError: The model cannot be loaded.
        """
        from distillir.encoding.token_vectors import encode_tokens

        return encode_tokens(self.model, collection.corpus, kind="document", stored=self.stored, **self.encoding)

    def opened(self, collection: Collection, first: OpenedRetriever | None = None) -> OpenedRetriever:
        """See `distillir.retrieval.opened.open_retriever`.

        Where no first stage is named, BM25's best of a corpus of more than
        `distillir.retrieval.opened_late.EXHAUSTIVE_AT_ONCE` documents are compared: all would take seconds a query.
        """
        from distillir.retrieval.opened_late import open_late

        return open_late(self, collection)

    def _candidates(
        self, first: Any, collection: Collection, query_rows: Rows, queries: list[Vectors], documents: TokenVectors
    ) -> Callable[[int], Rows]:
        """Candidates of the query at a place."""
        if first != "index":
            source = load_retriever(first)
            found = source.search(collection, query_rows, self.first_depth)
            tell_found_nothing(source, found, collection, query_rows, f"queries, as first stage of {self.name}")
            return found.select(query_rows.tolist()).lists.__getitem__
        from distillir.base.files import cache_root
        from distillir.retrieval.late_index import LateIndex

        if not documents.rows:
            return lambda place: np.empty(0, dtype=np.int64)
        index = LateIndex(documents, cache_root() / "late-index" / documents.folder.name)
        return lambda place: index.search(queries[place], self.first_depth, self.probes)


def _run(query_rows: Rows, found: list[tuple[Rows, Scores]], name: str) -> Run:
    return from_lists(query_rows, [rows for rows, _ in found], [scores for _, scores in found], name)
