"""A source of candidates: documents that share character trigrams with the query, whatever the words' endings."""

import numpy as np
from pydantic import Field

from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.retrieval.source_kinds import SourceKind
from distillir.specs.part import Count, Options


class NgramSpec(Options):
    """Options as a recipe writes them."""

    length: Count = Field(3, description="characters of an n-gram")


class NgramRetriever:
    """Dice's coefficient of sets of character n-grams, over the whole corpus."""

    def __init__(self, length: int) -> None:
        self.length, self.name = length, f"{length}-grams"

    def search(self, collection: Collection, query_rows: np.ndarray, depth: int) -> Run:
        """Rank at most ``depth`` documents for query rows [Q]; what shares no n-gram is not found."""
        corpus = [self._ngrams(collection.corpus.text(row)) for row in range(len(collection.corpus))]
        lists, scores = [], []
        for row in query_rows.tolist():
            asked = self._ngrams(collection.queries.text(row))
            values = np.array([2 * len(asked & own) / (len(asked) + len(own)) for own in corpus], dtype=np.float32)
            best = np.argsort(-values, kind="stable")[:depth]
            best = best[values[best] > 0]
            lists.append(best)
            scores.append(values[best])
        return from_lists(query_rows, lists, scores, self.name)

    def _ngrams(self, text: str) -> set[str]:
        text = f" {' '.join(text.lower().split())} "
        return {text[start : start + self.length] for start in range(max(1, len(text) - self.length + 1))}


NGRAMS = SourceKind(
    "ngrams", "shared character n-grams", NgramSpec, make=lambda options: NgramRetriever(options.length)
)
