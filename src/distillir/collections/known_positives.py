"""Known positives of a query, compared by text: documents that must never be its negatives."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.collections.collection import Collection
from distillir.collections.generated import source_document
from distillir.collections.text_identity import text_key, text_keys

_REMEMBERED = 1 << 16


class KnownPositives:
    """Documents known to be relevant to each query of a collection, as keys of texts.

    Known are the documents that any split judges relevant and the document that a query was made of; since they are
    compared by text, a copy of one under another id is known too.

    Args:
        collection: Texts and judgements.

    Attributes:
        texts: The key of every document's text [N] (`distillir.collections.text_identity`).
    """

    def __init__(self, collection: Collection) -> None:
        self.collection, self.texts = collection, text_keys(collection.corpus)
        none = np.empty(0, dtype=np.int64)
        parts = [(none, none)]
        for split in collection.splits:
            qrels = collection.qrels(split)
            good = qrels.grades > 0
            parts.append((qrels.queries[good], qrels.documents[good]))
        queries, documents = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(queries, kind="stable")
        self._queries, self._documents = queries[order], documents[order]
        self.never = lru_cache(_REMEMBERED)(self._never)

    def __reduce__(self) -> tuple[Any, tuple[Collection]]:
        # Pickled (worker processes) as the collection it is of.
        return (KnownPositives, (self.collection,))

    def of(self, query: int) -> Rows:
        """Keys of the texts that are known to be relevant to a query row; a text of several documents once."""
        start, end = np.searchsorted(self._queries, [query, query + 1])
        documents = self._documents[start:end]
        source = source_document(self.collection.queries.id(query))
        row = -1 if source is None else self.collection.corpus.row(source)
        return np.unique(self.texts[documents if row < 0 else np.append(documents, row)])

    def among(self, query: int, documents: Rows, relevant: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Mask [N] of a list's documents that must not be its negatives: positives, and copies of a positive's text.

        Args:
            query: Query row.
            documents: Document rows [N].
            relevant: Which of them are positives in any case [N], such as those that a teaching set says are judged.
        """
        texts = self.texts[documents]
        found: npt.NDArray[np.bool_] = relevant | np.isin(texts, np.union1d(self.of(query), texts[relevant]))
        return found

    def _never(self, query: int) -> Rows:
        """Keys of the texts that must not join a query's list as negatives, wherever they come from.

        Beside the known positives that is the query's own text: what is word for word the query is none of its
        negatives, be it the query's own document or another with the same text.
        """
        queries, corpus = self.collection.queries, self.collection.corpus
        own = [text_key(queries.text(query))]
        row = corpus.row(queries.id(query))
        if row >= 0 and text_key(corpus.body(row)) == own[0]:
            own.append(int(self.texts[row]))
        return np.union1d(self.of(query), np.array(own, dtype=np.int64))
