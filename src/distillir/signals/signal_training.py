"""SignalTraining: a signal in a stage of training, from training examples to terms of the loss."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.batches.features import Places
from distillir.collections.table import TextTable
from distillir.plans.attachment import Attachment
from distillir.plans.training_example import TrainingExample
from distillir.teaching.lists import Lists

if TYPE_CHECKING:
    from torch import Tensor, nn

    from distillir.collections import Collection
    from distillir.plans.example_stream import ExampleStream
    from distillir.plans.settings import TrainingSettings
    from distillir.students.student import Student

#: Begins the names of totals of a step that are no parts of the loss.
HIDDEN = "_"


@dataclass(frozen=True)
class Batch:
    """The examples of a batch, on their way to tensors.

    Attributes:
        examples: The training examples [B].
        label: The lists' tensors, of shape [B, N] (`distillir.training.collator.ExampleCollator`).
        queries: Query rows of the student's features, in their order.
        documents: Document rows of the student's features, in their order.
        places: Where document rows stand among these.
    """

    examples: Sequence[TrainingExample]
    label: Mapping[str, Any]
    queries: Rows
    documents: Rows
    places: Places

    def held(self, name: str) -> list[Any]:
        """The parts [B] of a signal that each example holds."""
        return [example.signals.get(name) for example in self.examples]


@dataclass(frozen=True)
class Begun:
    """A training that is about to begin.

    Attributes:
        model: The student's model.
        collection: Where the texts are.
        lists: Queries with candidates and scores.
        candidates: Rows of all candidates, ascending, and behind them those of texts that signals bring.
        settings: Of the training.
        work: Folder for what is made once, such as tokens.
        seed: Of the stage.
    """

    model: Any
    collection: "Collection"
    lists: Lists
    candidates: Rows
    settings: "TrainingSettings"
    work: Path
    seed: int


@dataclass(frozen=True)
class States:
    """Transformer blocks of the student whose states a signal compares.

    Attributes:
        layers: Numbers of the blocks from 0 [K].
        pooling: ``cls`` or ``mean``.
    """

    layers: list[int]
    pooling: str


@dataclass(frozen=True)
class Output:
    """The student's outputs for a batch, with gradients.

    Attributes:
        student: How its kind encodes and scores.
        model: Its model.
        queries: Encodings of the distinct queries; ``label["query"]`` [B] says which is whose. None of a batch of
            documents alone.
        documents: Encodings of the distinct documents, of all processes where they have joined. None of a batch of
            queries alone.
        scores: Scores [B, D] of each example's query and every distinct document, float32.
        states: States of queries [B] and documents [D] by the blocks that a signal asked for; None without any.
    """

    student: "Student"
    model: Any
    queries: Any
    documents: Any
    scores: "Tensor"
    states: tuple[Any, Any] | None = None

    def of(self, index: "Tensor") -> "Tensor":
        """Scores [B, N] of the documents at places ``index`` [B, N]."""
        return self.scores.gather(1, index)

    def by_layer(self, index: "Tensor") -> "Tensor":
        """Scores [K, B, N] of these documents by each block that was asked for."""
        assert self.states is not None
        found = self.student.layer_scores(*self.states)
        return found.gather(2, index.expand(len(found), -1, -1))


class SignalTraining:
    """The training of a signal in a stage. All but the name is optional; the order of calls is that of the methods.

    Attributes:
        name: The signal's. Parts of the loss, features and tensors begin with it, or are otherwise nobody else's.
        attachment: What training examples hold of it.
        compares: Which of a list's own signals it needs to be worth anything: ``teacher`` or ``labels`` leave lists out
            that have one score throughout.
        needs_positive: Whether lists must hold the judged positive of their query.
        module: What it trains along with the student; its gradients are clipped by a norm of their own. None for none.
        along: Name of what is trained along, in files' names.
        encoders: Models that are trained along, for the fastest attention there is.
    """

    name: str
    attachment: Attachment | None = None
    compares: frozenset[str] = frozenset()
    needs_positive: bool = False
    module: "nn.Module | None" = None
    along: str = ""
    encoders: Sequence[Any] = ()

    def identity(self) -> dict[str, Any]:
        """All that decides the weights at the end, by a name for messages; values as JSON holds them."""
        return {}

    @property
    def texts(self) -> TextTable | None:
        """Texts that it brings beside the collection's."""
        return None

    @property
    def rows(self) -> Rows:
        """Document rows of these texts."""
        raise NotImplementedError

    def begin(self, training: Begun) -> None:
        """Make ready what needs the models."""

    def documents(self, examples: Sequence[TrainingExample]) -> Iterable[Rows]:
        """Document rows that the student must encode for it, beside the lists' own."""
        return ()

    def collate(self, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        """Features of a model of its own, and tensors that join the label; each under names of its own."""
        return {}, {}

    def joined(self, label: Mapping[str, Any], width: int) -> dict[str, Any]:
        """Its tensors once documents of other processes have joined.

        Args:
            label: The lists' tensors [B, N + width] and its own; places of this process begin at ``label["start"]``.
            width: Columns that were added to lists.
        """
        return {}

    def states(self, step: int) -> States | None:
        """Blocks of the student whose states it compares at a step of the optimiser; None for none."""
        return None

    def counts(self, label: Mapping[str, Any]) -> "dict[str, Tensor]":
        """The denominator of each of its parts for one batch, without the student.

        Names that begin with `HIDDEN` are added up over a step too, and are no parts.
        """
        return {}

    def terms(
        self,
        output: Output,
        inputs: Mapping[str, Any],
        label: Mapping[str, Any],
        counts: "Mapping[str, Tensor]",
        step: int,
    ) -> "dict[str, Tensor]":
        """The weighted numerator of each of its parts; the loss divides it by the step's count, at least 1.

        Args:
            output: The student's.
            inputs: What the collator made, features of its own among them.
            label: The tensors as they are compared.
            counts: Totals of the step, of `counts`.
            step: Steps of the optimiser so far.
        """
        return {}

    def callbacks(self, stage: int | None) -> list[Any]:
        """Callbacks of the trainer, after `begin`; ``stage`` is its number where the plan has several."""
        return []

    def facts(self, examples: "ExampleStream") -> dict[str, Any]:
        """Facts on a finished stage, by the key in ``metrics.json``."""
        return {}

    def save(self, folder: Path) -> None:
        """Write what was trained along, as its own library loads it."""
        raise NotImplementedError


def states_of(signals: Iterable[SignalTraining], step: int) -> States | None:
    """The blocks of the student that any signal compares at a step.

    Raises:
        DistillirError: Two signals want different ones.
    """
    found = [states for signal in signals if (states := signal.states(step)) is not None]
    if any(states != found[0] for states in found):
        raise DistillirError("two signals compare different layers of the student", where="method")
    return found[0] if found else None


def modules_of(signals: Iterable[SignalTraining]) -> "dict[str, nn.Module]":
    """Modules that signals train along, by their names in files."""
    return {signal.along or signal.name: signal.module for signal in signals if signal.module is not None}
