"""The evaluation queries of a run, those that gained most first, and their judgements."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.collections import Qrels
from distillir.collections.own_documents import own_documents
from distillir.collections.run import Run
from distillir.evaluation.measures import evaluate
from distillir.pipeline.queries import NO_QRELS, evaluation_qrels
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.serving.forms import JudgedQuery


@dataclass(frozen=True)
class ServedQueries:
    """Evaluation queries.

    Attributes:
        folder: The run's.
        measure: Its main measure; None where nothing is judged.
        qrels: Judgements.
        listed: The queries, those that gained most first.
        teacher: The teacher's rankings of these queries that the run has kept; None where it has none.
        places: Place of each query row in them.
    """

    folder: RunFolder
    measure: str | None
    qrels: Qrels
    listed: list[JudgedQuery]
    teacher: Run | None
    places: dict[int, int] = field(default_factory=dict)

    def row(self, identifier: str) -> int:
        """The row of an evaluation query's id; -1 where there is none."""
        row = self.folder.collection.queries.row(identifier)
        return row if row in self._rows else -1

    @cached_property
    def _rows(self) -> frozenset[int]:
        return frozenset(self.qrels.query_rows.tolist())

    def grades(self, row: int) -> dict[int, int]:
        """Grades of a query row's judged documents."""
        documents, grades = self.qrels.of(row)
        return dict(zip(documents.tolist(), grades.tolist(), strict=True))

    def own_document(self, row: int) -> int:
        """The document that a query row itself is, where the recipe leaves it out; -1 where there is none."""
        if self.folder.recipe.queries.own_document == "keep":
            return -1
        return int(own_documents(self.folder.collection, np.array([row])).rows[0])

    def kept_ranking(self, row: int) -> tuple[Rows, Scores] | None:
        """The teacher's ranking of a query row that the run has kept."""
        place = self.places.get(row)
        if self.teacher is None or place is None:
            return None
        return self.teacher.of(place)


def open_queries(folder: RunFolder) -> ServedQueries:
    """Read the evaluation queries of a run; none where it has no judgements."""
    try:
        qrels = evaluation_qrels(folder)
    except DistillirError as error:
        say(f"No evaluation queries: {error}")
        return ServedQueries(folder, None, NO_QRELS, [], None)
    measure, rows = folder.recipe.evaluation.measures[0], qrels.query_rows
    before, after = (_values(folder, path, qrels, measure) for path in (folder.before_run, folder.after_run))
    gains = None if before is None or after is None else after - before
    order = np.arange(len(rows)) if gains is None else np.argsort(-gains, kind="stable")
    table = folder.collection.queries

    def listed(place: int) -> JudgedQuery:
        row = int(rows[place])
        return JudgedQuery(
            id=table.id(row),
            text=table.text(row),
            before=None if before is None else float(before[place]),
            after=None if after is None else float(after[place]),
            gain=None if gains is None else float(gains[place]),
            relevant=len(qrels.relevant(row)),
        )

    teacher = read_ranking(folder, folder.teacher_run) if folder.teacher_run.is_file() else None
    places = {} if teacher is None else {int(row): place for place, row in enumerate(teacher.queries)}
    return ServedQueries(folder, measure, qrels, [listed(place) for place in order.tolist()], teacher, places)


def _values(folder: RunFolder, path: Path, qrels: Qrels, measure: str) -> npt.NDArray[np.float64] | None:
    """A run's measure of each judged query [Q]; None where the file is missing."""
    if not path.is_file():
        return None
    return evaluate(read_ranking(folder, path), qrels, [measure]).values[measure]
