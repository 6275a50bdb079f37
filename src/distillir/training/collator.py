"""Lessons to tensors: each distinct document once, sorted by length, with an index matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from distillir.collections.table import Rows
from distillir.plans.lesson import Lesson
from distillir.students.dense import chunks
from distillir.training.tokens import TokenStore

#: So far below the worst candidate's score that a softmax at any temperature up to 100 gives nothing.
NOTHING = 1e4


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
        in_batch: Let the batch's other documents join each list as negatives, except those that are candidates of its
            query. The teacher's score of them is so low that its softmax gives them nothing. What a batch is depends on
            ``gradient_accumulation`` and the number of processes, and with it the negatives.
    """

    #: sentence-transformers' trainer asks its collators for this.
    valid_label_columns = ("label",)

    def __init__(
        self,
        queries: TokenStore,
        documents: TokenStore,
        *,
        budget: int,
        pseudo_positives: bool = False,
        in_batch: bool = False,
    ) -> None:
        self.queries, self.documents, self.budget = queries, documents, budget
        self.pseudo_positives, self.in_batch = pseudo_positives, in_batch

    def _features(self, store: TokenStore, rows: Rows, prefix: str) -> tuple[dict[str, Any], Rows, Rows]:
        """Features of the distinct ``rows``, for each of ``rows`` its place among them, and those rows in order."""
        distinct, place = np.unique(rows, return_inverse=True)
        order = np.argsort(store.lengths(distinct), kind="stable")
        ordered = distinct[order]
        features = {f"{prefix}_{name}": value for name, value in store.batch(ordered).items()}
        features[f"{prefix}_chunks"] = chunks(store.lengths(ordered).tolist(), self.budget)
        inverse = np.empty_like(order)
        inverse[order] = np.arange(len(order))
        return features, inverse[place], ordered

    def __call__(self, lessons: Sequence[Lesson]) -> dict[str, Any]:
        """Collate lessons [B]; see the class."""
        queries, query, _ = self._features(self.queries, np.array([lesson.query for lesson in lessons]), "query")
        documents, place, rows = self._features(
            self.documents, np.concatenate([lesson.documents for lesson in lessons]), "document"
        )
        others = [np.flatnonzero(~np.isin(rows, lesson.known)) if self.in_batch else rows[:0] for lesson in lessons]
        sizes = [len(lesson.documents) for lesson in lessons]
        wholes = [size + len(other) for size, other in zip(sizes, others, strict=True)]
        shape = (len(lessons), max(wholes))
        index = np.zeros(shape, dtype=np.int64)
        teacher, labels = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        relevant, mask = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        start = 0
        for i, (lesson, size, whole) in enumerate(zip(lessons, sizes, wholes, strict=True)):
            index[i, :size], index[i, size:whole] = place[start : start + size], others[i]
            teacher[i, :size], teacher[i, size:whole] = lesson.teacher, lesson.teacher.min() - NOTHING
            labels[i, :size], labels[i, size:whole] = lesson.labels, lesson.outside
            relevant[i, :size], mask[i, :whole] = lesson.relevant, True
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
