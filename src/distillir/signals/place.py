"""Place: what a signal sees of the run that it is made, learnt and measured in."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from distillir.base.arrays import Rows

if TYPE_CHECKING:
    from distillir.collections import Collection, Qrels
    from distillir.collections.run import Run
    from distillir.signals.recipe_parts import RecipeParts
    from distillir.teaching.copy_aware_lists import CopyAwareLists
    from distillir.teaching.teaching_set import TeachingSet


class AnsweringKind(Protocol):
    """A kind of signal (`distillir.signals.signal.SignalKind`) as a place knows it."""

    @property
    def folder(self) -> str:
        """The folder of its answers in a run's folder."""

    @property
    def description(self) -> str:
        """One line for people."""


class Answering(Protocol):
    """A signal (`distillir.signals.signal.Signal`) as a place knows it: something that keeps answers."""

    @property
    def name(self) -> str:
        """Its name in recipes."""

    @property
    def kind(self) -> AnsweringKind:
        """The kind that it is of."""


class Place(Protocol):
    """A stage of a run."""

    @property
    def path(self) -> Path:
        """The run's folder."""

    @property
    def work(self) -> Path:
        """Folder for what a resume alone needs."""

    @property
    def initial_student(self) -> Path:
        """The student before training."""

    @property
    def student(self) -> Path:
        """The student so far, which has mined the stage's candidates."""

    @property
    def key(self) -> str | None:
        """Under what figures of the stage are noted; None: they are those of the run."""

    @property
    def first_row(self) -> int:
        """Document row of the first text that a signal brings."""

    @property
    def trained(self) -> bool:
        """Tell whether the run's student is there already."""

    @property
    def recipe(self) -> "RecipeParts":
        """The recipe of the run."""

    @property
    def collection(self) -> "Collection":
        """The collection with the texts."""

    def folder(self, signal: Answering) -> Path:
        """The folder of a signal's answers in the stage."""

    def along(self, name: str) -> Path | None:
        """The folder of a model that the stage before trained along under a name; None for the first stage."""

    def queries(self) -> Rows:
        """Rows of the queries that are learnt from, ascending.

        Raises:
            DistillirError: There is none.
        """

    def texts(self) -> tuple[Rows, Rows]:
        """Rows of the queries and of the documents that training examples are made of, ascending.

        Those of the lists; where nothing in the recipe needs candidates, what signals name (`Signal.texts_alone`).
        """

    def lists(self) -> "TeachingSet":
        """Candidates, scores and judgements that the stage learns from.

        Raises:
            DistillirError: They are not there, or nothing in the recipe needs any.
        """

    def copy_aware_lists(self) -> "CopyAwareLists":
        """The same, in which copies of positives are positives too."""

    def prepare_student(self) -> None:
        """See that the student before training is there."""

    def judged(self) -> "Qrels":
        """Judgements of the queries that are measured on."""

    def ranking(self, name: str) -> "Run | None":
        """A ranking of evaluation queries: ``teacher``, ``candidates``, ``before``, ``after``; None where it is not."""

    def need(self, path: Path, verb: str) -> None:
        """Refuse to go on without an earlier stage's file.

        Raises:
            DistillirError: It is missing; the message names the verb that makes it.
        """

    def note(self, **facts: Any) -> None:
        """Keep facts for ``metrics.json`` across restarts; later ones replace earlier ones."""

    def noted(self) -> dict[str, Any]:
        """The facts so far."""

    def tell(self, signal: Answering, facts: dict[str, Any]) -> None:
        """Keep a signal's facts under its name, where the report shows them as a table."""

    def make_once(self, what: Path, make: "Callable[[], Callable[[], object] | None]", *, timed: str) -> bool:
        """Make a file or folder where it is missing; after that it is there for every process.

        Args:
            what: The file or folder, which appears whole.
            make: Called in every process, so that they can share the work. What it gives is called in the first process
                alone and writes; None where that is done.
            timed: Under which stage its seconds are counted.

        Returns:
            Whether it was made now.
        """

    def timed(self, stage: str) -> AbstractContextManager[None]:
        """Add the seconds of the block to a stage's."""


class Costs(Protocol):
    """The knowledge of a dry run about lists and teachers."""

    @property
    def queries(self) -> int:
        """Lists that there will be."""

    @property
    def pairs(self) -> int:
        """Candidates of all of them."""

    @property
    def rows(self) -> Sequence[Rows]:
        """Candidates of some lists, which steps are timed on."""

    @property
    def recipe(self) -> "RecipeParts":
        """The recipe of the run."""

    def new_texts(self, texts: int) -> float | None:
        """Seconds of the teacher's scores of so many texts that are not in the collection; None: cannot be told."""

    def layers(self, teacher: Any) -> float:
        """Seconds of the scores of every layer of a teacher for all pairs."""

    def vectors(self, teacher: Any, sides: Sequence[str]) -> float:
        """Seconds of encoding what is not encoded yet of the texts that are learnt from, by a dense teacher.

        Args:
            teacher: As a recipe names it.
            sides: ``queries``, ``documents`` or both.
        """
