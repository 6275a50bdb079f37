"""The cost of ranking with the student, before, during and after its training."""

from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.dry_run.encoding import Encoder, Encodings
from distillir.dry_run.folder import DryFolder
from distillir.dry_run.search import Searches
from distillir.dry_run.speed import SAMPLE, seconds_each, some
from distillir.encoding.model_options import ModelOptions
from distillir.pipeline.mined_parts import DEPTH
from distillir.students.pair_kind import PairKind


class StudentCosts:
    """Seconds of rankings by a recipe's student.

    Args:
        folder: Of the plan; the student before training is there.
        encodings: What is encoded already, and what the rest costs.
    """

    def __init__(self, folder: DryFolder, encodings: Encodings) -> None:
        spec, self.model, self.encodings = folder.recipe.student, str(folder.initial_student), encodings
        self.kind, self.precision = spec.own_kind, folder.recipe.evaluation.precision
        kept = self.kind.documents_model
        #: Of documents that are kept; None where the student encodes them, or nobody does.
        self.documents = None
        if kept is not None and spec.documents is not None:
            self.documents = Encoder.of(self.kind.model_kind, {**kept, "stored": spec.documents.stored})
        self.options = ModelOptions(trust_remote_code=spec.trust_remote_code)
        self._pair: float | None = None

    @property
    def encoder(self) -> Encoder:
        """A student that searches, as its search names it."""
        return Encoder(self.kind.model_kind, self.model, None, self.precision, self.options)

    def work(self, documents: int, queries: int) -> str:
        """Words for a ranking that is measured."""
        if not self.kind.encodes_documents:
            return f"search {documents} kept vectors for {queries} queries"
        return (
            f"encode {documents} documents, search {queries} queries"
            if self.kind.searches
            else (f"rank the candidates of {queries} queries")
        )

    def seconds(self, searches: Searches, rows: Rows, depth: int, trained: str = "") -> float:
        """Seconds of a ranking that is measured; see `Searches.model_seconds`."""
        if not self.kind.encodes_documents:
            return searches.kept_seconds(self.encoder, self.documents, rows, depth, trained=trained)
        if self.kind.searches:
            return searches.model_seconds(self.encoder, rows, depth, trained=trained)
        return len(rows) * min(depth, len(searches.collection.corpus)) * self._pair_seconds(searches, rows)

    def pool_seconds(self, searches: Searches, rows: Rows, queries: int, size: int) -> float:
        """Seconds of measuring the student once while it is trained, on so many queries and a pool of documents.

        Args:
            searches: Over the run's collection.
            rows: Queries that are like those.
            queries: How many.
            size: Of the pool.
        """
        if not self.kind.searches:
            return queries * min(DEPTH, size) * self._pair_seconds(searches, rows)
        encoder, collection = self.encoder, searches.collection
        corpus = np.arange(len(collection.corpus), dtype=np.int64)
        seconds = 0.0
        if self.kind.encodes_documents:
            seconds = size * self.encodings.each(encoder, collection.corpus, corpus, "document")
        seconds += queries * self.encodings.each(encoder, collection.queries, rows, "query")
        return seconds + queries * size * searches.pair_seconds(encoder, rows)

    def _pair_seconds(self, searches: Searches, rows: Rows) -> float:
        """Seconds of scoring a pair, by a student that does not search."""
        if self._pair is None:
            assert isinstance(self.kind, PairKind)
            collection, draw = searches.collection, np.random.default_rng(1)
            queries = collection.queries.texts(draw.choice(rows, SAMPLE).tolist())
            corpus = some(np.arange(len(collection.corpus), dtype=np.int64))
            documents = collection.corpus.texts(draw.choice(corpus, SAMPLE).tolist())
            pairs: list[Any] = list(zip(queries, documents, strict=True))
            lengths = np.array([len(query) + len(document) for query, document in pairs], dtype=np.int64)
            trust = self.options.trust_remote_code
            score = self.kind.scorer(self.model, precision=self.precision, trust_remote_code=trust)
            self._pair = seconds_each(lengths, lambda places: score([pairs[place] for place in places]))
        return self._pair
