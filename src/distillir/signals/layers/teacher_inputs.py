"""What a teacher that is trained along reads of a batch: its own tokens of the same texts."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch

from distillir.batches.features import Places, sorted_features
from distillir.batches.tokens import TokenStore
from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.encoding.reading import within_reach
from distillir.plans.lesson import Lesson
from distillir.students.chunks import chunks
from distillir.teachers.cross_encoders.load import pair_prompt


class TeacherInputs(Protocol):
    """Makes the features of a teacher beside those of the student."""

    def __call__(
        self, lessons: Sequence[Lesson], queries: Rows, documents: Rows, shape: tuple[int, ...]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Features and what joins the label.

        Args:
            lessons: The batch [B].
            queries: Rows of the student's query features, in their order.
            documents: Rows of its document features.
            shape: Of the label's matrices, [B, N].
        """


class EncoderInputs:
    """Queries and documents apart: ``teacher_query_*`` and ``teacher_document_*``, sorted by the teacher's lengths.

    ``teacher_query`` [Q] and ``teacher_document`` [T] in the label say where the student's texts stand among these.

    Args:
        queries: The teacher's tokens of the queries.
        documents: The teacher's tokens of the documents.
        budget: Padded tokens encoded at once.
    """

    def __init__(self, queries: TokenStore, documents: TokenStore, budget: int) -> None:
        self.queries, self.documents, self.budget = queries, documents, budget

    def __call__(
        self, lessons: Sequence[Lesson], queries: Rows, documents: Rows, shape: tuple[int, ...]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """See `TeacherInputs`; dark examples are not read."""
        listed = [lesson.documents for lesson in lessons if lesson.open] or [lessons[0].documents]
        read = np.unique(np.concatenate(listed))
        features: dict[str, Any] = {}
        label: dict[str, Any] = {}
        for word, store, rows, wanted in (
            ("query", self.queries, queries, queries),
            ("document", self.documents, read, documents),
        ):
            own, ordered = sorted_features(store, rows, f"teacher_{word}", self.budget)
            features |= own
            label[f"teacher_{word}"] = torch.from_numpy(Places(ordered).of(wanted))
        return features, label


class PairInputs:
    """Query and document together: ``teacher_pair_*``; ``teacher_pair`` [B, N] in the label says which is which.

    Args:
        model: A CrossEncoder; its own ``preprocess`` tokenises.
        collection: Where the texts are.
        budget: Padded tokens read at once.
    """

    def __init__(self, model: Any, collection: Collection, budget: int) -> None:
        self.model, self.collection, self.budget = model, collection, budget

    def __call__(
        self, lessons: Sequence[Lesson], queries: Rows, documents: Rows, shape: tuple[int, ...]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """See `TeacherInputs`; each query's own list alone is read."""
        texts = []
        for lesson in lessons:
            query = self.collection.queries.text(lesson.query)
            texts += [(query, document) for document in self.collection.corpus.texts(lesson.documents)]
        found = self.model.preprocess(within_reach(self.model, texts), prompt=pair_prompt(self.model))
        lengths = found["attention_mask"].sum(dim=1)
        order = lengths.argsort(stable=True)
        features = {
            f"teacher_pair_{name}": value[order] if isinstance(value, torch.Tensor) and value.dim() == 2 else value
            for name, value in found.items()
        }
        features["teacher_pair_chunks"] = chunks(lengths[order].tolist(), self.budget)
        index = np.zeros(shape, dtype=np.int64)
        places, start = order.argsort().numpy(), 0
        for row, lesson in enumerate(lessons):
            size = len(lesson.documents)
            index[row, :size] = places[start : start + size]
            start += size
        return features, {"teacher_pair": torch.from_numpy(index)}
