"""Lessons to tensors: each distinct document once, sorted by length, with an index matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from distillir.base.arrays import Flags
from distillir.collections.table import Rows
from distillir.plans.lesson import Lesson
from distillir.retrieval.run import Scores
from distillir.training.features import Places, sorted_features
from distillir.training.spared import never_join, spare, texts_of
from distillir.training.tokens import TokenStore

if TYPE_CHECKING:
    from distillir.collections.known_positives import KnownPositives
    from distillir.training.teacher_inputs import TeacherInputs

#: So far below the worst candidate's score that a softmax at any temperature up to 100 gives nothing.
NOTHING = 1e4


@dataclass(frozen=True)
class _List:
    """One row of the tensors: a lesson's list, or the dark one beside it."""

    documents: Rows
    teacher: Scores
    labels: Scores
    relevant: Flags
    open: bool


class LessonCollator:
    """Make a batch of lessons.

    The batch holds ``query_*`` and ``document_*`` features (as sentence-transformers' trainers name them), the chunks
    each is to be encoded in, and under ``label`` a dict of tensors: ``query`` [B] and ``index`` [B, N] (which row of
    the features belongs where), ``teacher`` and ``labels`` float32 [B, N], ``relevant`` and ``mask`` bool [B, N],
    ``counted`` bool [B, N] (the same as ``mask`` but for lists that a gate keeps back: they count and add nothing),
    ``positive`` long [B] (the column of the best judged candidate by the teacher, -1 for none), ``own`` bool [B, N] (of
    the query's own list). Where lessons have pairs: ``pairs`` long [B, M, 2], -1 for none, and ``preferences`` float32
    [B, M]. Where they have layers: ``layers`` float32 [K, B, N]. With ``in_batch``, for the documents of other
    processes: ``rows`` long [T], those of the document features (-1: joins no list), ``texts`` long [T], what they are
    compared by, ``known`` long [B, M], the texts that never join a list (-1: none), and ``outside`` float32 [B], the
    label of those that do; with ``all`` also ``elsewhere`` bool [B, N], documents of a list that another one holds too.
    With ``known``: ``spared`` bool [B, N], what must not be a negative. Where a lesson has dark
    examples, ``label["dark"]`` holds all that is said of lists and pairs for the dark lists, empty ones for the others.

    Args:
        queries: Tokens of the queries.
        documents: Tokens of the documents.
        budget: Padded tokens the student encodes at once.
        pseudo_positives: Where a list has no judged positive, let the teacher's best candidate stand for it, in
            ``relevant`` and ``positive``; ``always``: whatever is judged.
        in_batch: Let the documents of the batch's other lists join each list as negatives, except those that are
            candidates of its query (``all``: these too); dark examples never do. The teacher's score of them is so low
            that its softmax gives them nothing. Documents of other processes join in the loss; what a batch is depends
            on ``gradient_accumulation``, and with it the negatives.
        teacher: What a teacher that is trained along reads (`distillir.training.teacher_inputs`); None without one.
        known: Knows positives by their texts: none of them, nor a copy of one, is a negative. None: documents are told
            apart by their rows, and positives beside the best are negatives of it.
    """

    #: sentence-transformers' trainer asks its collators for this.
    valid_label_columns = ("label",)

    def __init__(
        self,
        queries: TokenStore,
        documents: TokenStore,
        *,
        budget: int,
        pseudo_positives: bool | str = False,
        in_batch: bool | str = False,
        teacher: "TeacherInputs | None" = None,
        known: "KnownPositives | None" = None,
    ) -> None:
        self.queries, self.documents, self.budget = queries, documents, budget
        self.pseudo_positives, self.in_batch, self.teacher = pseudo_positives, in_batch, teacher
        self.known = known

    def __call__(self, lessons: Sequence[Lesson]) -> dict[str, Any]:
        """Collate lessons [B]; see the class."""
        asked = np.array([lesson.query for lesson in lessons])
        lists = [_List(one.documents, one.teacher, one.labels, one.relevant, one.open) for one in lessons]
        dark = [_dark_list(lesson) for lesson in lessons]
        read = [one.documents for one in (*lists, *dark) if one.open and len(one.documents)]
        # A batch that a gate keeps back altogether still needs something to encode.
        rows = np.unique(np.concatenate(read or [lessons[0].documents]))
        queries, query_rows = sorted_features(self.queries, np.unique(asked), "query", self.budget)
        documents, document_rows = sorted_features(self.documents, rows, "document", self.budget)
        none = np.empty(0, dtype=np.int64)
        others = [none] * len(lists)
        own = np.unique(np.concatenate([one.documents for one in lists if one.open] or [none]))
        known: list[Rows] = []
        if self.in_batch:
            known = [never_join(lesson, self.in_batch, self.known) for lesson in lessons]
            texts = texts_of(own, self.known)
            others = [
                own[~np.isin(texts, kept)] if lesson.open else none for lesson, kept in zip(lessons, known, strict=True)
            ]
        places = Places(document_rows)
        label = _tensors(lists, others, [lesson.outside for lesson in lessons], places, self.pseudo_positives)
        if self.known is not None:
            label |= spare(label, lessons, self.known)
        if lessons[0].pairs is not None:
            label |= _pairs([(lesson.pairs, lesson.preferences) for lesson in lessons])
        if lessons[0].layers is not None:
            label["layers"] = _layers(lessons, label["index"].shape[1])
        label["query"] = torch.from_numpy(Places(query_rows).of(asked))
        if self.in_batch:
            joining = np.where(np.isin(document_rows, own), document_rows, -1)
            label |= _joining(joining, texts_of(joining, self.known), known, lessons)
        if self.in_batch == "all":
            label["elsewhere"] = _elsewhere([one.documents if one.open else none for one in lists], label["own"].shape)
        taught: dict[str, Any] = {}
        if self.teacher is not None:
            taught, more = self.teacher(lessons, query_rows, document_rows, label["index"].shape)
            label |= more
        if any(len(one.documents) for one in dark):
            label["dark"] = _tensors(dark, [none] * len(dark), [0.0] * len(dark), places, False)
            preferred = [None if one.dark is None else (one.dark.pairs, one.dark.preferences) for one in lessons]
            label["dark"] |= _pairs([(None, None) if one is None else one for one in preferred])
        return {**queries, **documents, **taught, "label": label}


def _joining(rows: Rows, texts: Rows, known: Sequence[Rows], lessons: Sequence[Lesson]) -> dict[str, Any]:
    """Which documents may join the lists of other processes, and what is to be known of a list for that."""
    never = np.full((len(known), max(map(len, known))), -1, dtype=np.int64)
    for row, own in enumerate(known):
        never[row, : len(own)] = own
    outside = torch.tensor([lesson.outside for lesson in lessons], dtype=torch.float32)
    found = {"rows": rows, "texts": texts, "known": never}
    return {name: torch.from_numpy(values) for name, values in found.items()} | {"outside": outside}


def _elsewhere(lists: Sequence[Rows], shape: Sequence[int]) -> torch.Tensor:
    """Tell which documents of each list another list holds too [B, N]."""
    found = np.zeros(shape, dtype=bool)
    rows, lists_with = np.unique(np.concatenate(lists), return_counts=True)
    for place, one in enumerate(lists):
        found[place, : len(one)] = np.isin(one, rows[lists_with > 1])
    return torch.from_numpy(found)


def _pairs(given: Sequence[tuple[Rows | None, Scores | None]]) -> dict[str, Any]:
    """Matrices of the pairs and preferences of each list."""
    most = max((len(pairs) for pairs, _ in given if pairs is not None), default=0)
    pairs = np.full((len(given), most, 2), -1, dtype=np.int64)
    preferences = np.full((len(given), most), 0.5, dtype=np.float32)
    for row, (own, preferred) in enumerate(given):
        if own is not None and preferred is not None:
            pairs[row, : len(own)], preferences[row, : len(own)] = own, preferred
    return {"pairs": torch.from_numpy(pairs), "preferences": torch.from_numpy(preferences)}


def _layers(lessons: Sequence[Lesson], width: int) -> torch.Tensor:
    """Scores of the teacher's layers [K, B, N]; 0 behind each own list."""
    given = [lesson.layers for lesson in lessons if lesson.layers is not None]
    values = np.zeros((len(given[0]), len(given), width), dtype=np.float32)
    for row, own in enumerate(given):
        values[:, row, : own.shape[1]] = own
    return torch.from_numpy(values)


def _dark_list(lesson: Lesson) -> _List:
    dark = lesson.dark
    if dark is None:
        nothing = np.empty(0, dtype=np.float32)
        return _List(np.empty(0, dtype=np.int64), nothing, nothing, np.empty(0, dtype=bool), False)
    return _List(dark.documents, dark.teacher, dark.teacher, dark.relevant, dark.open)


def _tensors(
    lists: Sequence[_List],
    others: Sequence[Rows],
    outside: Sequence[float],
    places: Places,
    pseudo_positives: bool | str,
) -> dict[str, Any]:
    """Matrices of ragged lists, each followed by other documents that the teacher has not scored."""
    sizes = [len(one.documents) for one in lists]
    wholes = [size + len(other) for size, other in zip(sizes, others, strict=True)]
    shape = (len(lists), max(wholes))
    index = np.zeros(shape, dtype=np.int64)
    teacher, labels = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    relevant, mask, counted, mine = (np.zeros(shape, dtype=bool) for _ in range(4))
    for i, (one, other, size, whole) in enumerate(zip(lists, others, sizes, wholes, strict=True)):
        index[i, :whole] = places.of(np.concatenate([one.documents, other]))
        if size:
            teacher[i, :size], teacher[i, size:whole] = one.teacher, one.teacher.min() - NOTHING
        labels[i, :size], labels[i, size:whole] = one.labels, outside[i]
        relevant[i, :size], mask[i, :whole], counted[i, :whole] = one.relevant, one.open, True
        mine[i, :size] = True
    if pseudo_positives == "always":
        relevant[:] = False
    if pseudo_positives:
        unjudged = np.flatnonzero(~relevant.any(axis=1))
        relevant[unjudged, np.where(counted, teacher, -np.inf)[unjudged].argmax(axis=1)] = True
    best = np.where(relevant, teacher, -np.inf).argmax(axis=1)
    values = {
        "index": index,
        "teacher": teacher,
        "labels": labels,
        "relevant": relevant,
        "positive": np.where(relevant.any(axis=1), best, -1),
        "mask": mask,
        "counted": counted,
        "own": mine,
    }
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in values.items()}
