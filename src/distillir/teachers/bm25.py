"""BM25 as teacher: the true score of any query and document, also of those that it would not retrieve."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xxhash

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection
from distillir.collections.joined import without_documents
from distillir.teachers.counted import CountedTeacher, check_finite, flatten


class BM25Teacher(CountedTeacher):
    """BM25 over the collection's corpus. Scores are not kept: the index is, and a score costs microseconds.

    Documents that were joined to a collection (`distillir.collections.joined`) are scored by the counts of its own.

    Args:
        k1: Saturation of term frequency.
        b: Strength of length normalisation.
        stemmer: A Snowball language such as ``english``, or None.
        stopwords: A language with stop words in bm25s such as ``en``, or None.
        identifiers: Also index the parts of names in code.
    """

    def __init__(
        self,
        *,
        k1: float = 0.9,
        b: float = 0.4,
        stemmer: str | None = None,
        stopwords: str | None = "en",
        identifiers: bool = False,
    ) -> None:
        self.name = "bm25"
        self.settings: dict[str, Any] = {"k1": k1, "b": b, "stemmer": stemmer, "stopwords": stopwords}
        self.settings["identifiers"] = identifiers

    def fingerprint(self, collection: Collection) -> str:
        """Hash of the settings and of the corpus, whose word counts are part of every score (hex)."""
        from distillir.retrieval.bm25_settings import BM25Settings

        collection, _ = without_documents(collection)
        words = BM25Settings(**self.settings).words(collection.corpus, collection.queries)
        identity = json.dumps(["bm25", self.settings, collection.corpus.fingerprint, *words])
        return xxhash.xxh3_128_hexdigest(identity.encode())

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Score candidate lists; see `Teacher.score`. 0 where query and document share no word."""
        from distillir.retrieval.bm25 import BM25Index

        own, further = without_documents(collection)
        index = BM25Index.build_or_load(own, **self.settings)
        edge = len(own.corpus)
        inside = [np.flatnonzero(rows < edge) for rows in lists]
        found = index.score_lists(queries, [rows[places] for rows, places in zip(lists, inside, strict=True)])
        scores = [np.zeros(len(rows), dtype=np.float32) for rows in lists]
        for query, rows, places, values, known in zip(queries, lists, inside, found, scores, strict=True):
            known[places] = values
            outside = np.flatnonzero(rows >= edge)
            if further is not None and len(outside):
                known[outside] = index.score_texts(int(query), further.texts(rows[outside] - edge))
        query_rows, document_rows, _ = flatten(queries, lists)
        flat = np.concatenate(scores) if scores else np.empty(0, dtype=np.float32)
        check_finite(self.name, collection, query_rows, document_rows, flat)
        return scores
