"""The interface of layered teachers: one score per layer and candidate, computed once."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xxhash

from distillir.base.arrays import LayerScores, Rows
from distillir.base.files import cache_root
from distillir.base.progress import progress
from distillir.collections import Collection
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import Keys, combine, pair_keys
from distillir.teachers.answers.score_missing import score_missing
from distillir.teachers.counted import check_finite, flatten


class LayeredTeacher(ABC):
    """A model that scores a candidate by the output of each of its transformer blocks.

    The embeddings are no layer; the last block is the last layer. Scores go through the score cache, a number a layer.

    Args:
        name: Short, for people.
        cache: Folder of the scores of all teachers (default: ``scores`` of the cache).
    """

    def __init__(self, name: str, cache: Path | None = None) -> None:
        self.name, self._root = name, cache
        self._calls = {"asked": 0, "cached": 0}

    @property
    @abstractmethod
    def depth(self) -> int:
        """Number of layers; the model is not loaded for it."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the model and every setting that changes a score (hex)."""

    @abstractmethod
    def scores(self, collection: Collection, queries: Rows, documents: Rows) -> Iterator[tuple[Rows, LayerScores]]:
        """Score aligned pairs [N], a query's pairs side by side.

        Yields:
            Places [B] and scores [B, depth] of those pairs; all together each place once.
        """

    def calls(self) -> dict[str, int]:
        """``asked``: pairs that the model read in this process; ``cached``: pairs found in the cache."""
        return dict(self._calls)

    def layers(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[LayerScores]:
        """Scores [depth, N] of each query's list of candidates.

        Raises:
            DistillirError: A score is not finite.
        """
        query_rows, document_rows, ends = flatten(queries, lists)
        pairs = pair_keys(collection.queries, query_rows, collection.corpus, document_rows)
        numbers = [
            np.frombuffer(xxhash.xxh3_128_digest(f"layer {number}".encode()), dtype=np.uint64)
            for number in range(self.depth)
        ]
        cache = ScoreCache((self._root or cache_root() / "scores") / self.fingerprint())

        def keys_of(layer: int, places: Rows | slice = slice(None)) -> Keys:
            return combine(pairs[places], np.broadcast_to(numbers[layer], pairs[places].shape))

        def ask(places: Rows) -> None:
            with progress(f"Layers of {self.name}", len(places)) as advance:
                for found, values in self.scores(collection, query_rows[places], document_rows[places]):
                    own = places[found]
                    for layer in range(self.depth):
                        check_finite(self.name, collection, query_rows[own], document_rows[own], values[:, layer])
                    # The last layer's is what says that a pair was read: it is put last.
                    for layer in range(self.depth):
                        cache.put(keys_of(layer, own), np.ascontiguousarray(values[:, layer], dtype=np.float32))
                    self._calls["asked"] += len(own)
                    advance(len(own))

        score_missing(cache, keys_of(self.depth - 1), ask, self._calls)
        cache.refresh()
        found = np.stack([cache.get(keys_of(layer)) for layer in range(self.depth)])
        spoilt = np.flatnonzero(np.isnan(found).any(axis=0))
        if len(spoilt):  # a record that a disk spoilt is missing, though the last layer's is there
            ask(spoilt)
            cache.close()
            found = np.stack([cache.get(keys_of(layer)) for layer in range(self.depth)])
        return np.split(found, ends, axis=1) if len(lists) else []
