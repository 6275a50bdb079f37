"""Lessons to tensors: each distinct document once, sorted by length, with an index matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from distillir.collections.table import Rows
from distillir.plans.lesson import Lesson
from distillir.students.dense import chunks
from distillir.training.tokens import TokenStore


class LessonCollator:
    """Make a batch of lessons.

    The batch holds ``query_*`` and ``document_*`` features (as sentence-transformers' trainers name them), the chunks
    each is to be encoded in, and under ``label`` a dict of tensors: ``query`` [B] and ``index`` [B, N] (which row of
    the features belongs where), ``teacher`` and ``labels`` float32 [B, N], ``relevant`` and ``mask`` bool [B, N],
    ``positive`` long [B] (the column of the best judged candidate by the teacher, -1 for none).

    Args:
        queries: Tokens of the queries.
        documents: Tokens of the documents.
        budget: Padded tokens the student encodes at once.
        pseudo_positives: Where a list has no judged positive, let the teacher's best candidate stand for it, in
            ``relevant`` and ``positive``.
    """

    #: sentence-transformers' trainer asks its collators for this.
    valid_label_columns = ("label",)

    def __init__(
        self, queries: TokenStore, documents: TokenStore, *, budget: int, pseudo_positives: bool = False
    ) -> None:
        self.queries, self.documents, self.budget = queries, documents, budget
        self.pseudo_positives = pseudo_positives

    def _features(self, store: TokenStore, rows: Rows, prefix: str) -> tuple[dict[str, Any], Rows]:
        """Features of the distinct ``rows``, and for each of ``rows`` its place among them."""
        distinct, place = np.unique(rows, return_inverse=True)
        order = np.argsort(store.lengths(distinct), kind="stable")
        ordered = distinct[order]
        features = {f"{prefix}_{name}": value for name, value in store.batch(ordered).items()}
        features[f"{prefix}_chunks"] = chunks(store.lengths(ordered).tolist(), self.budget)
        inverse = np.empty_like(order)
        inverse[order] = np.arange(len(order))
        return features, inverse[place]

    def __call__(self, lessons: Sequence[Lesson]) -> dict[str, Any]:
        """Collate lessons [B]; see the class."""
        queries, query = self._features(self.queries, np.array([lesson.query for lesson in lessons]), "query")
        documents, place = self._features(
            self.documents, np.concatenate([lesson.documents for lesson in lessons]), "document"
        )
        sizes = [len(lesson.documents) for lesson in lessons]
        shape = (len(lessons), max(sizes))
        index = np.zeros(shape, dtype=np.int64)
        teacher, labels = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        relevant, mask = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        start = 0
        for i, (lesson, size) in enumerate(zip(lessons, sizes, strict=True)):
            index[i, :size] = place[start : start + size]
            teacher[i, :size], labels[i, :size] = lesson.teacher, lesson.labels
            relevant[i, :size], mask[i, :size] = lesson.relevant, True
            start += size
        if self.pseudo_positives:
            unjudged = np.flatnonzero(~relevant.any(axis=1))
            relevant[unjudged, np.where(mask, teacher, -np.inf)[unjudged].argmax(axis=1)] = True
        best = np.where(relevant, teacher, -np.inf).argmax(axis=1)
        label = {
            "query": query,
            "index": index,
            "teacher": teacher,
            "labels": labels,
            "relevant": relevant,
            "positive": np.where(relevant.any(axis=1), best, -1),
            "mask": mask,
        }
        return {
            **queries,
            **documents,
            "label": {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in label.items()},
        }
