"""Training example: one query with some of its candidates, as the student sees them at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distillir.base.arrays import Flags, Rows, Scores


@dataclass(frozen=True)
class TrainingExample:
    """One query and the candidates it is compared on.

    Attributes:
        query: Query row; `distillir.teaching.text_lists.NO_QUERY` where the example is a document alone.
        documents: Candidate document rows [N]; none where the example is a query alone.
        teacher: Raw teacher scores [N], float32.
        labels: The order that the plan wants [N], float32: more is better, equal ones are not compared.
        relevant: Judged relevant or not [N].
        candidate_pool: Rows of all the query's candidates [M], chosen or not: no other query's are surer negatives.
        outside: The label of a document that is none of them.
        signals: What each further signal adds, by its name (`distillir.plans.attachment.Attachment.attach`).
        open: Whether the list is learnt from; false where a gate keeps it back.
    """

    query: int
    documents: Rows
    teacher: Scores
    labels: Scores
    relevant: Flags
    candidate_pool: Rows
    outside: float
    signals: Mapping[str, Any] = field(default_factory=dict)
    open: bool = True
