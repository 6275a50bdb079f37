"""A stage of a run as its signals see it, and what of a run is known by asking them."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.processes import first_decides, make_together
from distillir.collections import Collection, Qrels
from distillir.collections.run import Run
from distillir.composition.compose import compose
from distillir.composition.composed_stage import ComposedStage
from distillir.pipeline.products import OTHER_SIGNALS
from distillir.pipeline.queries import evaluation_qrels, training_queries
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import copy_aware_lists
from distillir.pipeline.selection_queries import learnt_queries
from distillir.recipe import Recipe
from distillir.signals.place import Answering
from distillir.signals.signal import Signal
from distillir.teaching.copy_aware_lists import CopyAwareLists
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set
from distillir.teaching.text_lists import TextLists


@dataclass(frozen=True)
class SignalPlace:
    """A `distillir.signals.place.Place` of a run's folder.

    Attributes:
        run: The folder.
        teaching: Its teaching set of the stage.
        student: The student so far, which has mined it.
        number: Of a stage that has mined anew; None: the candidates are those of the run.
        before: Where what the stage before trained lies: its student; None for the first.
        first_row: Document row of the first text that a signal brings.
    """

    run: RunFolder
    teaching: Path
    student: Path
    number: int | None = None
    before: Path | None = None
    first_row: int = 0

    @classmethod
    def of_run(cls, folder: RunFolder) -> Self:
        """The place of the run's own candidates."""
        return cls(folder, folder.teaching, folder.initial_student)

    @property
    def path(self) -> Path:
        """See `distillir.signals.place.Place`."""
        return self.run.path

    @property
    def work(self) -> Path:
        """See `distillir.signals.place.Place`."""
        return self.run.work

    @property
    def initial_student(self) -> Path:
        """See `distillir.signals.place.Place`."""
        return self.run.initial_student

    @property
    def key(self) -> str | None:
        """See `distillir.signals.place.Place`."""
        return None if self.number is None else f"stage {self.number}"

    @property
    def recipe(self) -> Recipe:
        """See `distillir.signals.place.Place`."""
        return self.run.recipe

    @property
    def collection(self) -> Collection:
        """See `distillir.signals.place.Place`."""
        return self.run.collection

    @property
    def trained(self) -> bool:
        """See `distillir.signals.place.Place.trained`."""
        return self.run.student.is_dir()

    def folder(self, signal: Answering) -> Path:
        """See `distillir.signals.place.Place.folder`."""
        own = signal.kind.folder
        if self.number is None:
            return self.run.path / own
        first, *rest = Path(own).parts
        return self.run.work.joinpath(f"{first}-{self.number}", *rest)

    def along(self, name: str) -> Path | None:
        """See `distillir.signals.place.Place.along`."""
        return None if self.before is None else trained_along(self.run, self.before, name)

    def queries(self) -> Rows:
        """See `distillir.signals.place.Place.queries`."""
        return training_queries(self.run) if self.recipe.teaching is None else self.texts()[0]

    def texts(self) -> tuple[Rows, Rows]:
        """See `distillir.signals.place.Place.texts`."""
        return self._texts

    @cached_property
    def _texts(self) -> tuple[Rows, Rows]:
        method = compose(self.recipe)
        if method.needs_lists:
            lists = self.lists()
            documents = np.unique(np.concatenate(lists.lists))
            # Those of lists are kept where they are not encoded: the student makes no vectors of them.
            kept = not self.recipe.student.own_kind.encodes_documents
            return np.unique(lists.queries), documents[:0] if kept else documents
        return self._alone(method.signals)

    def _alone(self, signals: Iterable[Signal[Any]]) -> tuple[Rows, Rows]:
        asked, read = zip(*(signal.texts_alone(self) for signal in signals), strict=True)
        return np.unique(np.concatenate(asked)), np.unique(np.concatenate(read))

    def text_lists(self, stage: ComposedStage) -> TextLists:
        """Training examples of a stage that learns from texts alone."""
        return TextLists(*self._alone(stage.signals))

    def lists(self) -> TeachingSet:
        """See `distillir.signals.place.Place.lists`."""
        return self._lists

    @cached_property
    def _lists(self) -> TeachingSet:
        if not compose(self.recipe).needs_lists:
            raise DistillirError(
                "a signal reads lists of candidates, and nothing in the recipe says that it needs them",
                where="method.signals",
                remedy="name candidates in the signal's needs",
            )
        self.run.need(self.teaching, "score")
        return open_teaching_set(self.teaching, self.run.collection)

    def copy_aware_lists(self) -> CopyAwareLists:
        """See `distillir.signals.place.Place.copy_aware_lists`."""
        return self._known_lists

    @cached_property
    def _known_lists(self) -> CopyAwareLists:
        return copy_aware_lists(self.run, self.lists())

    def prepare_student(self) -> None:
        """See `distillir.signals.place.Place.prepare_student`."""
        self.need(self.initial_student, "mine")

    def judged(self) -> Qrels:
        """See `distillir.signals.place.Place.judged`."""
        return evaluation_qrels(self.run)

    def ranking(self, name: str) -> Run | None:
        """See `distillir.signals.place.Place.ranking`."""
        run = self.run
        path = {
            "teacher": run.teacher_run,
            "candidates": run.evaluation_candidates,
            "before": run.before_run,
            "after": run.after_run,
        }[name]
        return read_ranking(run, path) if path.is_file() else None

    def need(self, path: Path, verb: str) -> None:
        """See `distillir.signals.place.Place.need`."""
        self.run.need(path, verb)

    def note(self, **facts: Any) -> None:
        """See `distillir.signals.place.Place.note`."""
        self.run.facts.note(**facts)

    def noted(self) -> dict[str, Any]:
        """See `distillir.signals.place.Place.noted`."""
        return self.run.facts.read()

    def tell(self, signal: Answering, facts: dict[str, Any]) -> None:
        """See `distillir.signals.place.Place.tell`."""
        name = signal.name if self.key is None else f"{signal.name}, {self.key}"
        self.run.facts.note_part(OTHER_SIGNALS, {"description": signal.kind.description, **facts}, name)

    def make_once(self, what: Path, make: Callable[[], Callable[[], object] | None], *, timed: str) -> bool:
        """See `distillir.signals.place.Place.make_once`."""
        if first_decides(what.exists):
            return False
        make_together(make, self.timed(timed))
        return True

    def timed(self, stage: str) -> AbstractContextManager[None]:
        """See `distillir.signals.place.Place.timed`."""
        return self.run.facts.timed(stage)


def asked_queries(folder: RunFolder) -> Rows:
    """Query rows that the student learns from, whatever from: of lists, or of texts alone.

    None are a matter of who mines for them: what a comparison shares may be of cells that read documents alone.
    """
    if compose(folder.recipe).needs_lists:
        return learnt_queries(folder, some=False)
    return SignalPlace.of_run(folder).texts()[0]


def misfit_of_signals(folder: RunFolder, product: str) -> str:
    """Say why answers do not fit the run as it is now; empty where they fit or are not wanted.

    Args:
        folder: The run's.
        product: Name of the product that the answers are.
    """
    if compose(folder.recipe).needs_lists and not folder.teaching.is_dir():
        return ""
    place = SignalPlace.of_run(folder)
    try:
        for signal in compose(folder.recipe).signals:
            if signal.kind.product == product:
                signal.check_files(place)
    except DistillirError as error:
        return error.what
    return ""


def trained_along(folder: RunFolder, student: Path, name: str) -> Path:
    """The folder of a model that was trained along, under a name, with the student in a folder."""
    if student == folder.student:
        return folder.path / name
    return student.with_name(student.name.replace("student", name))
