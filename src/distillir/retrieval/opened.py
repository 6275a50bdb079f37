"""Retrievers opened once and then asked one text after the other, by any number of threads.

`distillir.retrieval.sources.Retriever` ranks many queries of a collection at once, and loads its model for that. A
retriever that has ``opened(collection, first)`` gives the same ranking for a text that is in no collection: encodings
of documents are taken from the same stores (made first where they lack), the model stays loaded.
"""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Protocol

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.collections import Collection


class OpenedRetriever(Protocol):
    """A retriever that holds its model and its index.

    Attributes:
        name: Short, for people.
    """

    name: str

    def search_text(self, text: str, depth: int) -> tuple[Rows, Scores]:
        """Rank at most ``depth`` documents for a query's text: rows [K] and scores [K], best first."""


def open_retriever(retriever: Any, collection: Collection, first: OpenedRetriever | None = None) -> OpenedRetriever:
    """Open a retriever on a collection's corpus.

    Args:
        retriever: See `distillir.retrieval.sources.Retriever`.
        collection: Its corpus is searched; encodings that the cache lacks are made now.
        first: Finds the candidates of what ranks and does not search.

    Raises:
        DistillirError: It cannot be opened (one from outside the package), or as its ``search``.
    """
    opened = getattr(retriever, "opened", None)
    if not callable(opened):
        raise DistillirError(
            "cannot be asked one query at a time", where=retriever.name, remedy="give it opened(collection, first)"
        )
    found: OpenedRetriever = opened(collection, first)
    return found


class QueryEncoder:
    """A model that encodes one query at a time.

    Threads take turns: fast tokenizers refuse to be used by two at once.

    Args:
        kind: Name in `distillir.encoding.kinds.ENCODERS`.
        model: A folder or name.
        encoding: ``max_length``, ``precision`` and ``options`` of the encoder.
    """

    def __init__(self, kind: str, model: str, encoding: Mapping[str, Any]) -> None:
        from distillir.encoding.kinds import ENCODERS
        from distillir.encoding.precision import resolve_precision

        self._kind = ENCODERS[kind]
        self._model = self._kind.load(model, max_length=encoding["max_length"], options=encoding["options"])
        self._precision = resolve_precision(encoding["precision"], self._model.device)
        self._lock = Lock()

    def encode(self, text: str) -> Any:
        """Encode one text, as `distillir.encoding.kinds.EncoderKind.encode` does."""
        with self._lock:
            return self._kind.encode(self._model, [text], "query", self._precision)


class OpenedFusion:
    """Several opened retrievers as one.

    Args:
        parts: At least one.
        how: See `distillir.retrieval.fusion.fuse`.
        weights: See there.
    """

    def __init__(self, parts: Sequence[OpenedRetriever], how: str, weights: Sequence[float] | None) -> None:
        self.parts, self.how, self.weights = parts, how, weights
        self.name = "+".join(part.name for part in parts)

    def search_text(self, text: str, depth: int) -> tuple[Rows, Scores]:
        """See `OpenedRetriever.search_text`; each part gives so many documents."""
        from distillir.collections.run import from_lists
        from distillir.retrieval.fusion import fuse

        if len(self.parts) == 1:
            return self.parts[0].search_text(text, depth)
        found = [part.search_text(text, depth) for part in self.parts]
        runs = [from_lists([0], [rows], [scores]) for rows, scores in found]
        return fuse(runs, how=self.how, weights=self.weights, depth=depth).of(0)


def best_rows(scores: Scores, depth: int) -> tuple[Rows, Scores]:
    """The ``depth`` rows of highest score [N], best first, ties by row ascending, with their scores."""
    rows = np.arange(len(scores), dtype=np.int64)
    if depth < len(scores):
        least = np.partition(scores, len(scores) - depth)[len(scores) - depth]
        rows = np.flatnonzero(scores >= least)
    values = scores[rows]
    order = np.lexsort((rows, -values))[:depth]
    return rows[order], values[order]
