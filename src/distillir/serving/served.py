"""Everything that is served of a run, opened: what the application asks, without a word of HTTP."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.base.suggestions import nearest
from distillir.pipeline.run_folder import RunFolder
from distillir.serving.asked_teacher import AskedTeacher
from distillir.serving.forms import (
    FoundDocument,
    RunInfo,
    SearchAnswer,
    SystemAnswer,
    SystemInfo,
    TeacherInfo,
    WholeDocument,
)
from distillir.serving.judged import ServedQueries, open_queries
from distillir.serving.limits import DOCUMENT_CHARACTERS, MOST_DOCUMENTS, BadQueryError, clean_query
from distillir.serving.marks import Marker
from distillir.serving.open_served import check_same_documents, open_served
from distillir.serving.systems import BEFORE, TEACHER, System, bm25_settings, open_systems


@dataclass(frozen=True)
class _Asked:
    """A query as it is answered: its words, its judgements, and ranks before training."""

    text: str
    row: int
    words: frozenset[str]
    grades: dict[int, int] | None
    own: int
    before: dict[int, int]


class Served:
    """A run that is open.

    Args:
        folder: The run's.
        systems: What answers.
        queries: Its evaluation queries.
        teacher: Its teacher; None where the recipe has none, or where it cannot be made.
    """

    def __init__(
        self, folder: RunFolder, systems: Sequence[System], queries: ServedQueries, teacher: AskedTeacher | None
    ) -> None:
        self.folder, self.collection, self.queries, self.teacher = folder, folder.collection, queries, teacher
        self.systems = {system.name: system for system in systems}
        self._marker = Marker(bm25_settings(folder))

    @property
    def info(self) -> RunInfo:
        """The run and its systems, for people."""
        teacher = self.teacher
        return RunInfo(
            run=self.folder.path.resolve().name,
            collection=self.collection.name,
            documents=len(self.collection.corpus),
            student=self.folder.recipe.student.kind,
            measure=self.queries.measure,
            queries=len(self.queries.listed),
            systems=[SystemInfo(name=each.name, description=each.description) for each in self.systems.values()],
            teacher=None if teacher is None else TeacherInfo(name=teacher.name, paid=teacher.paid),
        )

    def search(self, query: str, k: int, names: Sequence[str] | None, query_id: str | None) -> SearchAnswer:
        """Rank by each system, one after the other.

        Args:
            query: As it was given.
            k: Documents of each.
            names: Which systems; None: all, and the teacher's ranking where the run has kept one.
            query_id: The id of an evaluation query.

        Raises:
            BadQueryError: Nothing to search for, an unknown system or an unknown query.
        """
        begun = time.perf_counter()
        text, row = clean_query(query), self._query_row(query_id)
        known = {**self.systems, TEACHER: None}
        chosen = list(dict.fromkeys(known if names is None else names))
        for name in chosen:
            if name not in known:
                raise BadQueryError(f"no system {name!r}; {nearest(name, known)}")
        own = -1 if row < 0 else self.queries.own_document(row)
        rankings = {name: self._search(self.systems[name], text, k, own) for name in chosen if name in self.systems}
        before: dict[int, int] = {}
        compared: int | None = None
        if BEFORE in rankings:
            documents = rankings[BEFORE][1]
            before = {document: rank for rank, document in enumerate(documents.tolist(), 1)}
            compared = self._depth(self.systems[BEFORE], k)
        words = self._marker.words(text)
        grades = None if row < 0 else self.queries.grades(row)
        asked = _Asked(text, row, words, grades, own, before)
        answers = [
            self._told(name, rows[:k], scores[:k], spent, asked) for name, (spent, rows, scores) in rankings.items()
        ]
        kept = self.queries.kept_ranking(row) if row >= 0 and TEACHER in chosen else None
        if kept is None and names is not None and TEACHER in names:
            raise BadQueryError(
                "the teacher's rankings are kept for evaluation queries alone (query_id); ask it by /api/teacher"
            )
        if kept is not None:
            answers.append(self._told(TEACHER, kept[0][:k], kept[1][:k], 0.0, asked, kept=True))
        return SearchAnswer(
            query=text,
            milliseconds=_since(begun),
            compared_to=compared,
            relevant=None if grades is None else sum(grade > 0 for grade in grades.values()),
            systems=answers,
        )

    def ask_teacher(self, query: str, documents: Sequence[str], query_id: str | None) -> SystemAnswer:
        """Have the teacher order a few documents.

        Args:
            query: As it was given.
            documents: Ids.
            query_id: As in `search`.

        Raises:
            BadQueryError: As `search`, or an id that no document has.
            DistillirError: The teacher cannot be asked.
        """
        assert self.teacher is not None
        text, row = clean_query(query), self._query_row(query_id)
        rows = self.collection.corpus.rows(list(dict.fromkeys(documents)))
        if (rows < 0).any():
            raise BadQueryError("there is no document of one of these ids")
        same = row >= 0 and self.collection.queries.text(row) == text
        begun = time.perf_counter()
        found, scores = self.teacher.order(text, row if same else -1, rows)
        grades = None if row < 0 else self.queries.grades(row)
        asked = _Asked(text, row, self._marker.words(text), grades, -1, {})
        return self._told(TEACHER, found, scores, _since(begun), asked)

    def document(self, identifier: str, query: str = "") -> WholeDocument | None:
        """A document's text, with the words of a query marked; None where there is none of that id."""
        row = self.collection.corpus.row(identifier)
        if row < 0:
            return None
        title, text = self.collection.corpus.title(row), self.collection.corpus.body(row)
        words = self._marker.words(clean_query(query)) if query.strip() else frozenset()
        return WholeDocument(
            id=identifier,
            title=title,
            title_matches=self._marker.places(title, words),
            text=text[:DOCUMENT_CHARACTERS],
            matches=self._marker.places(text, words),
            cut=len(text) > DOCUMENT_CHARACTERS,
        )

    def _query_row(self, identifier: str | None) -> int:
        if identifier is None:
            return -1
        row = self.queries.row(identifier)
        if row < 0:
            raise BadQueryError("there is no evaluation query of that id")
        return row

    def _depth(self, system: System, k: int) -> int:
        """Depth of a search: ranks before training are told to `MOST_DOCUMENTS`."""
        return MOST_DOCUMENTS if system.name == BEFORE and system.deep else k

    def _search(self, system: System, text: str, k: int, own: int) -> tuple[float, Rows, Scores]:
        """Milliseconds, rows and scores of a search, without the query's own document."""
        begun, depth = time.perf_counter(), self._depth(system, k)
        rows, scores = system.retriever.search_text(text, depth + (own >= 0))
        spent = _since(begun)
        if own >= 0:
            kept = rows != own
            rows, scores = rows[kept], scores[kept]
        return spent, rows[:depth], scores[:depth]

    def _told(
        self, name: str, rows: Rows, scores: Scores, spent: float, asked: _Asked, *, kept: bool = False
    ) -> SystemAnswer:
        corpus, documents = self.collection.corpus, list[FoundDocument]()
        for rank, (row, score) in enumerate(zip(rows.tolist(), np.asarray(scores).tolist(), strict=True), 1):
            title, text = corpus.title(row), self._marker.excerpt(corpus.body(row), asked.words)
            documents.append(
                FoundDocument(
                    rank=rank,
                    id=corpus.id(row),
                    score=score,
                    title=title,
                    title_matches=self._marker.places(title, asked.words),
                    text=text,
                    matches=self._marker.places(text, asked.words),
                    before=asked.before.get(row),
                    grade=None if asked.grades is None else asked.grades.get(row),
                )
            )
        return SystemAnswer(system=name, milliseconds=spent, documents=documents, kept=kept)


def open_all(path: Path, others: Sequence[Path] = ()) -> Served:
    """Open a run, and other runs beside it, to be served; what is missing of encodings is made now.

    Args:
        path: The run's folder.
        others: Folders of runs on the same documents.

    Raises:
        DistillirError: As `distillir.serving.open_served.open_served` and
            `distillir.serving.systems.open_systems`, or a run on other documents.
    """
    folder, further = open_served(path), list[RunFolder]()
    for other in others:
        further.append(open_served(other))
        check_same_documents(folder, further[-1])
    teacher = None
    if folder.recipe.teacher is not None:
        try:
            teacher = AskedTeacher(folder.recipe.teacher, folder.collection)
        except DistillirError as error:
            say(f"The teacher cannot be asked: {error}")
    return Served(folder, open_systems(folder, further), open_queries(folder), teacher)


def _since(begun: float) -> float:
    """Milliseconds since a time of `time.perf_counter`."""
    return round(1000 * (time.perf_counter() - begun), 2)
