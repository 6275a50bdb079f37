"""The loss of a collated batch: distinct texts are encoded once, scores gathered and compared, every signal asked."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from distillir.batches.features import features_of, whole
from distillir.batches.gather import gathered, gathered_layers
from distillir.signals.signal_training import Output, SignalTraining, States, modules_of, states_of
from distillir.students.loaded import student_of
from distillir.students.towers import has_towers
from distillir.training.joining import with_other_processes

Counts = Mapping[str, Tensor]


class ExampleLoss(nn.Module):
    """The loss of one batch of training examples.

    Args:
        model: The student; held because the trainer optimises the parameters of its loss.
        signals: What is learnt from, in order; what they train along is optimised with the loss's parameters.
        penalties: Weights of the student's penalties by name (see `distillir.students.student.Student.penalties`), and
            the steps over which they rise from 0; a step's is the mean over its batches.
        recompute: Keep one chunk's activations at a time (see `distillir.students.student.Student.embed`).
        budget: See `distillir.students.student.Student`.
    """

    def __init__(
        self,
        model: Any,
        signals: Sequence[SignalTraining],
        *,
        penalties: tuple[Mapping[str, float], int] = ({}, 0),
        recompute: bool = False,
        budget: int = 4096,
    ) -> None:
        super().__init__()
        self.model, self.signals, self.recompute = model, tuple(signals), recompute
        #: What is trained along, by its name in files.
        self.along = nn.ModuleDict(modules_of(signals))
        self.student = student_of(model)
        self.student.budget = budget
        known = self.student.penalty_names
        self.penalties = {name: weight for name, weight in penalties[0].items() if name in known}
        self.warm_up = penalties[1]

    def counts(self, label: Mapping[str, Any]) -> dict[str, Tensor]:
        """Each part's denominator for one batch; needs no model.

        Args:
            label: As it is compared: of several processes, what `with_other_processes` made of the collator's.
        """
        found: dict[str, Tensor] = {}
        for signal in self.signals:
            found |= signal.counts(label)
        return found | {name: torch.ones(()) for name in self.penalties}

    def scores(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """Student scores [B, N] of a collated batch's lists, float32."""
        queries, documents, _ = self._embedded(model, inputs, states_of(self.signals, 0))
        return self._compared(inputs, queries, documents).gather(1, inputs["label"]["index"])

    def reached(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """Numbers of a collated batch that depend on all that its training reaches: scores, else encodings."""
        queries, documents, _ = self._embedded(model, inputs, states_of(self.signals, 0))
        if len(queries) and len(documents):
            return self._compared(inputs, queries, documents).gather(1, inputs["label"]["index"])
        found = queries if len(queries) else documents
        return found if isinstance(found, Tensor) else torch.cat(list(found))

    def _compared(self, inputs: Mapping[str, Any], queries: Any, documents: Any) -> Tensor:
        """Student scores [B, D] of a collated batch's queries and its distinct documents, float32."""
        label, wanted = inputs["label"], None
        if not len(queries) or not len(documents):
            return torch.zeros((len(label["query"]), len(documents)), device=label["query"].device)
        asked = self.student.select(queries, label["query"])
        if self.student.told_pairs:
            wanted = _compared_pairs(label, len(documents))
        return self.student.scores(asked, documents, wanted)

    def _embedded(self, model: Any, inputs: Mapping[str, Any], wanted: States | None) -> tuple[Any, Any, Any]:
        """A collated batch's distinct queries and documents, encoded, and the states that are wanted of them."""
        inner = getattr(model, "module", model)
        # Queries go through the wrapper that several processes share, once a step; documents through the model
        # itself. The wrapper's gradient hooks sit on the parameters, so they fire once, when all chunks are summed.
        asked = (model, features_of(inputs, "query"), [whole(inputs["query_input_ids"])])
        read = (inner, features_of(inputs, "document"), inputs["document_chunks"])
        nothing = torch.empty(0, dtype=torch.long, device=inputs["query_input_ids"].device)
        if not inputs["query_chunks"]:  # documents alone: with several processes they go through the wrapper
            if model is not inner:
                read = (model, features_of(inputs, "document"), [whole(inputs["document_input_ids"])])
            documents = self.student.embed(*read, task="document", recompute=self.recompute and model is inner)
            return self.student.select(documents, nothing), documents, None
        if not inputs["document_chunks"]:
            queries = self.student.embed(*asked, task="query")
            return queries, self.student.select(queries, nothing), None
        if wanted is None:
            queries = self.student.embed(*asked, task="query")
            return queries, self.student.embed(*read, task="document", recompute=self.recompute), None
        options: dict[str, Any] = {"layers": wanted.layers, "pooling": wanted.pooling}
        queries, own = self.student.embed_layers(*asked, task="query", **options)
        documents, others = self.student.embed_layers(*read, task="document", recompute=self.recompute, **options)
        return queries, documents, (self.student.select_layers(own, inputs["label"]["query"]), others)

    def forward(
        self, model: Any, inputs: Mapping[str, Any], counts: Counts | None = None, step: int = 0
    ) -> dict[str, Tensor]:
        """Weighted parts of the loss by name; they add up to the loss.

        Args:
            model: The student, possibly wrapped.
            inputs: What `ExampleCollator` made.
            counts: Denominators over the whole step (all processes, all accumulated batches) of the lists as they are
                compared; None: this batch's own.
            step: Steps of the optimiser so far.
        """
        label = with_other_processes(inputs["label"], self.signals)
        counts = self.counts(label) if counts is None else counts
        queries, documents, states = self._embedded(model, inputs, states_of(self.signals, step))
        embedded = queries, documents
        if "start" in label:
            documents = gathered(documents)
            states = None if states is None else (states[0], gathered_layers(states[1]))
        every = self._compared(inputs, queries, documents)
        output = Output(self.student, self.model, queries, documents, every, states)
        parts: dict[str, Tensor] = {}
        for signal in self.signals:
            parts |= signal.terms(output, inputs, label, counts, step)
        parts = {name: value / counts[name].to(value.device).clamp(min=1) for name, value in parts.items()}
        if self.penalties:
            rise = self.student.penalty_share(step, self.warm_up)
            for name, value in self.student.penalties(*embedded).items():
                if name in self.penalties:
                    parts[name] = rise * self.penalties[name] * value / counts[name].to(value.device)
        if not inputs["query_chunks"] or not inputs["document_chunks"]:
            name = next(iter(parts))
            parts[name] = parts[name] + _nothing_of_other_tower(self.student.model)
        return parts


def _nothing_of_other_tower(model: Any) -> Tensor | float:
    """Zero that every trained parameter has a part in, where queries and documents have encoders of their own.

    Several processes wait for the gradient of each parameter. A batch may hold texts of one side alone in one process
    and of both in another; with one process the sum is taken too, so that the optimiser does the same in both.
    """
    if not has_towers(model):
        return 0.0
    trained = [one.sum() for one in model.parameters() if one.requires_grad]
    return 0.0 * torch.stack(trained).sum()


def _compared_pairs(label: Mapping[str, Any], documents: int) -> Tensor:
    """Mask [B, D] of a batch's documents that are in a query's list, or in one that a signal puts beside it."""
    wanted = torch.zeros((len(label["query"]), documents), dtype=torch.bool, device=label["query"].device)
    for lists in (label, *(value for value in label.values() if isinstance(value, Mapping) and "index" in value)):
        rows, columns = lists["loss_mask"].nonzero(as_tuple=True)
        wanted[rows, lists["index"][rows, columns]] = True
    return wanted
