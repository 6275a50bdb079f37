"""Signal: what a student learns from beside plain scores, on its way from a recipe to the loss and the report.

| part | does |
|---|---|
| `SignalKind.spec` | what a recipe says of it |
| `Signal.needs` | which data it is made of |
| `Signal.prepare` | has the teacher answer what is missing, on disk |
| `Signal.open` | gives a stage what it learns from: a `SignalTraining`, which attaches, collates and compares |
| `Signal.measure` | measures it once the student is trained |
| `Place.tell` | keeps facts for ``metrics.json``, which the report shows (`distillir.reporting.section`) |
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.plans.settings import TrainingSettings
    from distillir.signals.place import Costs, Place
    from distillir.signals.recipe_parts import RecipeParts
    from distillir.signals.signal_training import SignalTraining

#: What signals may be made of: texts alone, lists of candidates, the teacher's scores of these, judgements.
TEXTS, CANDIDATES, SCORES, JUDGEMENTS = "texts", "candidates", "scores", "judgements"

#: Folder of the answers of kinds that have none of their own.
OTHERS = "signals/"

Spec = TypeVar("Spec", bound=BaseModel)


class Signal(Generic[Spec]):
    """A signal that a recipe wants.

    Args:
        kind: Of which kind it is.
        spec: What the recipe says of it.

    Attributes:
        needs: Which data it is made of; stages whose products nothing in a recipe needs are left out. `TEXTS` alone:
            neither lists nor scores.
        compares: Which of a list's own signals it needs to be worth anything: ``teacher`` or ``labels`` leave out lists
            that have one score throughout.
        needs_positive: Whether lists must hold the judged positive of their query.
    """

    needs: frozenset[str] = frozenset({CANDIDATES, SCORES})
    compares: frozenset[str] = frozenset()
    needs_positive: bool = False

    @property
    def trains_along(self) -> tuple[str, ...]:
        """Names of what it trains along with the student, which are folders of a run."""
        return ()

    def __init__(self, kind: "SignalKind", spec: Spec) -> None:
        self.kind, self.spec = kind, spec

    @property
    def name(self) -> str:
        """Its name in recipes."""
        return self.kind.name

    def check(self, recipe: "RecipeParts") -> None:
        """Refuse what does not go together with the rest of a recipe.

        Raises:
            DistillirError: It does not.
        """

    def texts_alone(self, place: "Place") -> tuple[Rows, Rows]:
        """Query rows and document rows to learn from where nothing in the recipe needs candidates.

        Each is then a training example by itself. Default: the training queries, and no document.
        """
        return place.queries(), np.empty(0, dtype=np.int64)

    @property
    def beside_lists(self) -> bool:
        """True where the stages of the method learn from it, and not a stage of its own alone."""
        return True

    def first_stage(self, training: "TrainingSettings") -> "TrainingSettings | None":
        """Settings of a stage before the method's, which learns from this signal's texts alone; None: there is none.

        Args:
            training: The recipe's.
        """
        return None

    def teachers(self) -> Iterator[tuple[str, Any, bool]]:
        """Each teacher that it names: its key in the recipe, what the recipe says, and whether it compares pairs."""
        return iter(())

    def check_models(self, recipe: "RecipeParts") -> None:
        """Look at the files of the models that it names, before anything is mined; no weights are loaded.

        Raises:
            DistillirError: One is not there, or is of another kind.
        """

    def beside(self, objective: "WeightedSum", recipe: "RecipeParts", *, expected: bool) -> "WeightedSum":
        """The objective on lists, with the part that this signal adds.

        Args:
            objective: What is compared without it.
            recipe: The recipe.
            expected: Whether the recipe's method has this signal by itself.

        Returns:
            The objective as it is where nothing is added.
        """
        return objective

    def told(self, objective: "WeightedSum") -> dict[str, Any]:
        """Facts for the report on the signal in a stage whose lists are compared by an objective.

        Raises:
            DistillirError: Such a stage cannot learn from it.
        """
        return {}

    def suffix(self, *, expected: bool, own: bool) -> str:
        """Addition to the method's name in tables.

        Args:
            expected: Whether the method has this signal by itself.
            own: Whether the method's own objective is compared.
        """
        return "" if expected else f" + {self.kind.title}"

    def inputs(self) -> dict[str, str]:
        """Fingerprints of what it is made from beside the teaching set and the student, by a name for messages."""
        return {}

    def shared(self, recipe: "RecipeParts") -> str | None:
        """Fingerprint (hex) of all but the teaching set that answers depend on: runs of a comparison share by it.

        None where each run has its own.
        """
        return None

    def prepare(self, place: "Place") -> None:
        """Have its teacher answer what is missing; nothing where all is there. Goes on after a kill.

        Raises:
            DistillirError: It cannot be made, or what is there was made of something else.
        """

    def check_files(self, place: "Place") -> None:
        """Refuse answers that were made of something else than what is there now; nothing where there are none.

        Raises:
            DistillirError: They do not fit.
        """

    def open(self, place: "Place", objective: "WeightedSum") -> "SignalTraining":
        """Open the answers that `prepare` has made, for a stage to learn from.

        Args:
            place: Of the stage.
            objective: What the stage compares on lists.
        """
        raise NotImplementedError

    def measure(self, place: "Place") -> None:
        """Measure it once the student is trained."""

    def work(self, costs: "Costs") -> Iterator[tuple[str, Callable[[], float | None]]]:
        """The work of `prepare` in words, and a measure of its seconds (None: cannot be estimated)."""
        return iter(())

    def documents_beside(self) -> int:
        """Documents that the student reads beside each list."""
        return 0

    def rehearsal(self, costs: "Costs") -> "SignalTraining | None":
        """Made-up answers in place of `open`'s, to time a step; None where a step takes as long without."""
        return None

    def save_card(self, place: "Place", folder: Path) -> None:
        """Write a card beside a model that was trained along."""


@dataclass(frozen=True)
class SignalKind:
    """A kind of signal and all that recipes, run folders and help texts need to know of it.

    Attributes:
        name: As recipes write it.
        description: One line for people.
        spec: What a recipe says of it.
        signal: Makes the signal of a kind and a spec.
        source: Paper; empty where it is ours.
        title: What it is called in tables; default: the name.
        method: Name of the method whose paper it is of; empty for none.
        doing: What `Signal.prepare` does, for the message of an error that ends it: ``making dark examples``.
        folder: Of its answers in a run's folder; default: ``signals/NAME``.
        product: What provenance calls its answers; default: ``signals``.
        facts: Keys of ``metrics.json`` that it notes; those of kinds without any stand under ``signals``.
        stage_facts: Those of the facts that its training gives, by the stage's number.
        calls: Those of the facts that count calls of a teacher of its own.
        shares: Whether runs of a comparison share its answers.
        after: Products of a run that its answers are made from.
        leaves: Files and folders of a run that its training leaves beside the student.
        wanted: Whether a spec asks for it at all.
        gives: Tensors of its own that an objective of the lists may need.
        lacking: What is said where an objective ``{by}`` needs them and the recipe does not want it, and the remedy.
    """

    name: str
    description: str
    spec: type[BaseModel]
    signal: Callable[["SignalKind", Any], Signal[Any]]
    source: str = ""
    title: str = ""
    method: str = ""
    doing: str = ""
    folder: str = ""
    product: str = "signals"
    facts: tuple[str, ...] = ()
    stage_facts: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    shares: bool = False
    after: tuple[str, ...] = ("teaching set", "initial student")
    leaves: tuple[str, ...] = ()
    wanted: Callable[[Any], bool] = lambda spec: True
    gives: frozenset[str] = frozenset()
    lacking: tuple[str, str] = ("{by} needs a signal that the recipe does not name", "name it in method.signals")

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.name)
        if not self.folder or self.folder.startswith(OTHERS):  # under another name it lies elsewhere
            object.__setattr__(self, "folder", OTHERS + self.name.replace(":", "."))

    def of(self, spec: Any, where: str = "method.signals") -> Signal[Any]:
        """The signal that a recipe wants.

        Args:
            spec: Options as the recipe has them, or already of the kind's `spec`.
            where: What messages call the place.

        Raises:
            DistillirError: An option is unknown, or has a value that cannot be.
        """
        if isinstance(spec, self.spec):
            return self.signal(self, spec)
        try:
            return self.signal(self, self.spec.model_validate({} if spec is None else spec))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join([where, *map(str, first["loc"])])
            known = first["type"] == "extra_forbidden" and nearest(str(first["loc"][-1]), self.spec.model_fields)
            said = re.sub(r" or instance of \w+", "", first["msg"].removeprefix("Value error, "))
            said = said.replace("dictionary", "mapping")
            raise DistillirError(said, where=key, remedy=known or None) from None
