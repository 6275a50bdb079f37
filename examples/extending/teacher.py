"""A teacher: how many words of the query stand close together in a document."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from distillir.collections import Collection
from distillir.specs.part import Count, Options
from distillir.teachers.kind import TeacherKind
from distillir.teachers.teacher import Teacher


class ProximitySpec(Options):
    """Options as a recipe writes them."""

    window: Count = Field(8, description="words that count as close together")


class Proximity(Teacher):
    """The share of the query's words that the best window of a document holds."""

    def __init__(self, window: int) -> None:
        self.window, self.name = window, f"proximity in {window} words"

    def fingerprint(self, collection: Collection) -> str:
        """Everything that changes a score: kept scores are found again by it."""
        return f"proximity {self.window}"

    def score(self, collection: Collection, queries: np.ndarray, lists: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Float32 scores of each query's candidates, higher is better."""
        found = []
        for query, rows in zip(queries.tolist(), lists, strict=True):
            asked = set(collection.queries.text(query).lower().split())
            scores = [self._score(asked, text.lower().split()) for text in collection.corpus.texts(rows)]
            found.append(np.array(scores, dtype=np.float32))
        return found

    def _score(self, asked: set[str], words: list[str]) -> float:
        starts = range(max(1, len(words) - self.window + 1))
        return max(len(asked.intersection(words[start : start + self.window])) for start in starts) / max(len(asked), 1)


TEACHER = TeacherKind(
    "proximity", "query words close together", ProximitySpec, make=lambda options, cache: Proximity(options.window)
)
