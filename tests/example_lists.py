"""Lists for the training tests: real texts of the tiny collection, made-up teacher scores."""

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection


class ExampleLists:
    """Ragged lists: query ``i`` has ``4 + i % 4`` candidates; its first is judged relevant where ``i`` is even."""

    def __init__(self, collection: Collection, queries: int = 12) -> None:
        generator = np.random.default_rng(7)
        self.queries: Rows = np.arange(queries, dtype=np.int64)
        sizes = [4 + i % 4 for i in range(queries)]
        self._documents = [generator.choice(len(collection.corpus), size, replace=False) for size in sizes]
        self._scores = [generator.normal(size=size).astype(np.float32) for size in sizes]

    def documents(self, index: int) -> Rows:
        return self._documents[index]

    def scores(self, index: int) -> Scores:
        return self._scores[index]

    def relevant(self, index: int) -> npt.NDArray[np.bool_]:
        flags = np.zeros(len(self._documents[index]), dtype=bool)
        flags[0] = index % 2 == 0
        return flags
