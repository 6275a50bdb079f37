"""The cost of sources of candidates and searches in a run, measured on some queries and documents."""

import copy
import json
import time
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.files import cache_root
from distillir.collections import Collection, TextTable
from distillir.collections.table_writer import TableWriter
from distillir.dry_run.encoding import Encoder, Encodings
from distillir.dry_run.folder import DryFolder
from distillir.dry_run.speed import some
from distillir.retrieval.bm25 import BM25Index
from distillir.retrieval.bm25_search import allowed_threads
from distillir.retrieval.bm25_settings import BM25Settings
from distillir.retrieval.exact_seconds import exact_seconds
from distillir.retrieval.maxsim import maxsim
from distillir.retrieval.multi_vector import EXHAUSTIVE
from distillir.retrieval.sources import MODEL_SOURCES, check_source

#: Corpora up to so many documents are indexed by BM25 where they are not yet: the run takes the index over.
INDEXED = 100_000
#: Of larger ones so many are indexed for the plan alone.
PART = 20_000
#: Seconds after which no more queries are timed, and queries that are timed at once.
ENOUGH, BLOCK = 2.0, 16
#: Search that prunes walks through a share of the postings that shrinks as the corpus grows: its time grows with this
#: power of the documents (docs/mine.md, "BM25 at size"); that of adding up all postings with the documents themselves.
PRUNED = 0.6
_TOKEN_DOCUMENTS = 48
#: Kinds that compare the candidates of a first stage alone, where a corpus is large.
TWO_STAGES = ("multi-vector",)


class Searches:
    """Searches over a collection, timed.

    Args:
        folder: Of the plan.
        encodings: What is encoded already, and what the rest costs.
        collection: What is searched; None: the run's own.
    """

    def __init__(self, folder: DryFolder, encodings: Encodings, collection: Collection | None = None) -> None:
        self.folder, self.encodings = folder, encodings
        self.collection = folder.collection if collection is None else collection
        self._indices: dict[str, tuple[BM25Index, Rows | None]] = {}
        self._bm25: dict[str, float] = {}
        self._pairs: dict[Encoder, float] = {}

    def bm25(self, options: dict[str, Any]) -> tuple[BM25Index, Rows | None]:
        """An index, and which documents are in it; None: all of them."""
        key = json.dumps(options, sort_keys=True)
        if key not in self._indices:
            corpus = self.collection.corpus
            there = (cache_root() / "bm25" / BM25Settings(**options).fingerprint(corpus)).exists()
            if there or len(corpus) <= INDEXED:
                self._indices[key] = BM25Index.build_or_load(self.collection, **options), None
            else:
                rows = some(np.arange(len(corpus), dtype=np.int64), PART)
                part = copy.copy(self.collection)
                part.corpus = self._written(rows)
                index = BM25Index.build_or_load(part, cache=self.folder.scratch / "bm25", **options)
                index.search_as_of(len(corpus))
                self._indices[key] = index, rows
        return self._indices[key]

    def _written(self, rows: Rows) -> TextTable:
        path = self.folder.scratch / f"some-documents-{self.collection.corpus.fingerprint}"
        if not path.is_dir():
            path.mkdir()
            writer = TableWriter(path, "document")
            corpus = self.collection.corpus
            for row in rows.tolist():
                writer.add(corpus.id(row), corpus.body(row), corpus.title(row))
            writer.close()
        return TextTable(path)

    def bm25_lists(self, options: dict[str, Any], rows: Rows, depth: int) -> tuple[Rows, list[Rows]]:
        """Some of the queries, in random order, and what BM25 finds for them; notes how long a query takes."""
        index, inside = self.bm25(options)
        order, spent = np.random.default_rng(2).permutation(rows), 0.0
        lists: list[Rows] = []
        block = BLOCK * allowed_threads() if index.prunes else BLOCK
        index.search(order[:1], depth)  # the first call reads the index
        while len(lists) < len(order) and spent < ENOUGH:
            start = time.monotonic()
            found = index.search(order[len(lists) : len(lists) + block], depth)
            spent += time.monotonic() - start
            lists += [documents if inside is None else inside[documents] for documents in found.lists]
        times = 1.0 if inside is None else len(self.collection.corpus) / len(inside)
        scale = times**PRUNED if index.prunes else times
        if lists:
            self._bm25[json.dumps(options, sort_keys=True)] = scale * spent / len(lists)
        return order[: len(lists)], lists

    def bm25_seconds(self, options: dict[str, Any], rows: Rows, depth: int) -> float:
        """Seconds of BM25 for query rows; grows with the corpus, slower where search prunes."""
        key = json.dumps(options, sort_keys=True)
        if key not in self._bm25 and len(rows):
            self.bm25_lists(options, some(rows, 128), depth)
        return self._bm25.get(key, 0.0) * len(rows)

    def source_seconds(self, source: object, rows: Rows, depth: int) -> float:
        """Seconds that a source of candidates takes for query rows, its index or vectors counted once.

        Raises:
            DistillirError: Its model cannot be loaded.
        """
        kind, options = check_source(source)
        if kind == "bm25":
            return self.bm25_seconds(options, rows, depth)
        if kind not in MODEL_SOURCES:
            return 0.0
        spec = self.folder.recipe.student
        student, trust = str(self.folder.initial_student), spec.trust_remote_code
        if options.get("model") is None and (kept := spec.own_kind.documents_model) is not None:
            options = {**options, **kept, "stored": "float32" if spec.documents is None else spec.documents.stored}
        first = options.get("first"), int(options.get("first_depth", 1000))
        return self.model_seconds(Encoder.of(kind, options, student, trust), rows, depth, first=first)

    def model_seconds(
        self, encoder: Encoder, rows: Rows, depth: int, *, first: tuple[Any, int] = (None, 1000), trained: str = ""
    ) -> float:
        """Seconds of encoding the corpus and query rows, and of searching.

        Args:
            encoder: The model.
            rows: Query rows.
            depth: Documents a query.
            first: Late interaction's first stage, and its depth.
            trained: As in `Encodings.seconds`.
        """
        documents = np.arange(len(self.collection.corpus), dtype=np.int64)
        spent = self.encodings.seconds(encoder, self.collection.corpus, documents, "document", trained=trained)
        spent += self.encodings.seconds(encoder, self.collection.queries, rows, "query", trained=trained)
        if not len(rows) or not len(documents):
            return spent
        if encoder.kind not in _COMPARE:
            return spent + self._dense_search(encoder, len(rows), depth)
        return spent + self._compare_seconds(encoder, rows, first)

    def _compare_seconds(self, encoder: Encoder, rows: Rows, first: tuple[Any, int]) -> float:
        """Seconds of comparing encodings that are no single vectors, and of a first stage where there is one."""
        documents = compared = len(self.collection.corpus)
        spent = 0.0
        if encoder.kind in TWO_STAGES and (first[0] is not None or documents > EXHAUSTIVE):
            compared = min(first[1], documents)
            if first[0] != "index":
                spent += self.source_seconds(first[0] or "bm25", rows, first[1])
        return spent + self.pair_seconds(encoder, rows) * len(rows) * compared

    def kept_seconds(
        self, encoder: Encoder, kept: Encoder | None, rows: Rows, depth: int, *, trained: str = ""
    ) -> float:
        """Seconds of encoding query rows by one model, documents by that whose vectors are kept, and of searching.

        Args:
            encoder: Of queries.
            kept: Of documents, which are encoded once; None: nobody encodes them.
            rows: Query rows.
            depth: Documents a query.
            trained: As in `Encodings.seconds`.
        """
        corpus, spent = self.collection.corpus, 0.0
        if kept is not None:
            spent += self.encodings.seconds(kept, corpus, np.arange(len(corpus), dtype=np.int64), "document")
        spent += self.encodings.seconds(encoder, self.collection.queries, rows, "query", trained=trained)
        if not len(rows) or not len(corpus):
            return spent
        if encoder.kind not in _COMPARE:
            return spent + self._dense_search(encoder, len(rows), depth)
        return spent + self._compare_seconds(encoder, rows, (None, 1000))

    def _dense_search(self, encoder: Encoder, queries: int, depth: int) -> float:
        model, _ = self.encodings.load(encoder)
        width = int(model.get_embedding_dimension() or 384)
        return exact_seconds(queries, len(self.collection.corpus), width, depth)

    def pair_seconds(self, encoder: Encoder, rows: Rows) -> float:
        """Seconds of comparing the encodings of a query and of a document: none to speak of where each is a vector."""
        if encoder.kind not in _COMPARE:
            return 0.0
        if encoder not in self._pairs:
            model, _ = self.encodings.load(encoder)
            corpus, queries = self.collection.corpus, self.collection.queries
            every = np.arange(len(corpus), dtype=np.int64)
            read = encoder.encode(model, corpus.texts(some(every, _TOKEN_DOCUMENTS)), "document")
            asked = encoder.encode(model, queries.texts(some(rows, BLOCK)), "query")
            self._pairs[encoder] = _COMPARE[encoder.kind](asked, read)
        return self._pairs[encoder]


def _maxsim(asked: dict[str, Any], read: dict[str, Any]) -> float:
    queries, documents = (np.split(arrays["vectors"], arrays["ends"][:-1]) for arrays in (asked, read))
    maxsim(queries[:1], documents)
    start = time.monotonic()
    maxsim(queries, documents)
    return (time.monotonic() - start) / (len(queries) * len(documents))


def _product(asked: dict[str, Any], read: dict[str, Any]) -> float:
    from scipy.sparse import csr_matrix, vstack

    queries, documents = (
        csr_matrix(
            (arrays["values"], arrays["words"], np.concatenate([[0], arrays["ends"]])),
            shape=(len(arrays["ends"]), int(arrays["width"][0])),
        )
        for arrays in (asked, read)
    )
    many = vstack([documents] * 50, format="csr").T.tocsr()
    start = time.monotonic()
    (queries @ many).tocsr()
    return (time.monotonic() - start) / (len(asked["ends"]) * len(read["ends"]) * 50)


#: Kinds whose encodings of a text are no single vector, and what times the comparison of two.
_COMPARE = {"multi-vector": _maxsim, "sparse": _product}
