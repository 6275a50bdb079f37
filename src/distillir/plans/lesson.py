"""Lesson: what the student sees at once, one query with some of its candidates."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from distillir.base.arrays import Flags, LayerScores, Rows, Scores
from distillir.teaching.lists import Lists

if TYPE_CHECKING:
    from distillir.signals.dark_examples.dark_lists import DarkLesson

__all__ = ["Flags", "Lesson", "Lists"]


@dataclass(frozen=True)
class Lesson:
    """One query and the candidates it is compared on.

    Attributes:
        query: Query row.
        documents: Candidate document rows [N].
        teacher: Raw teacher scores [N], float32.
        labels: The order that the plan wants [N], float32: more is better, equal ones are not compared.
        relevant: Judged relevant or not [N].
        known: Rows of all the query's candidates [M], chosen or not: no other query's are surer negatives.
        outside: The label of a document that is none of them.
        pairs: Places [M, 2] in ``documents`` of pairs that a pairwise teacher has compared; None without one.
        preferences: Its P(first beats second) of them [M].
        layers: Scores of the teacher's layers [K, N], the last layer last; None without a layered teacher.
        dark: Dark examples beside the list, where the plan has any.
        open: Whether the list is learnt from; false where a gate keeps it back.
    """

    query: int
    documents: Rows
    teacher: Scores
    labels: Scores
    relevant: Flags
    known: Rows
    outside: float
    pairs: Rows | None = None
    preferences: Scores | None = None
    layers: LayerScores | None = None
    dark: "DarkLesson | None" = None
    open: bool = True
