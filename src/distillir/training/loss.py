"""From a collated batch to the objective: encode each distinct text once, gather scores, compare."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from distillir.objectives.weighted_sum import WeightedSum
from distillir.signals.layers.draw import LayerDraw
from distillir.students.student import student_of
from distillir.training.features import features_of, whole
from distillir.training.gather import gathered, with_other_processes
from distillir.training.joint_loss import joint_counts, joint_parts
from distillir.training.joint_teacher import JointTeacher, gathered_layers, output_temperature
from distillir.training.layer_loss import layer_counts, layer_part

Counts = Mapping[str, Tensor]


class LessonLoss(nn.Module):
    """The loss of one batch of lessons.

    Args:
        model: The student; held because the trainer optimises the parameters of its loss.
        objective: What is compared.
        dark: What is compared on the dark lists, and its weight; None where lessons have none.
        penalties: Weights of the student's penalties by name (see `distillir.students.student.Student.penalties`), and
            the steps over which they rise from 0; a step's is the mean over its batches.
        layers: Which layers are compared, and how; None without a layered teacher.
        joint: The teacher whose layers they are, where it is trained along; its parameters are optimised with the
            loss's. None where it is frozen.
        recompute: Keep one chunk's activations at a time (see `distillir.students.student.Student.embed`).

    Attributes:
        layer_weights: Of the layers drawn in the last batch [K]; None before.
    """

    def __init__(
        self,
        model: Any,
        objective: WeightedSum,
        *,
        dark: tuple[WeightedSum, float] | None = None,
        penalties: tuple[Mapping[str, float], int] = ({}, 0),
        layers: LayerDraw | None = None,
        joint: JointTeacher | None = None,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.model, self.layers, self.joint, self.recompute = model, layers, joint, recompute
        self.layer_weights: Tensor | None = None
        self.objectives = {"": (objective, 1.0)} | ({"dark ": dark} if dark is not None else {})
        self.student = student_of(model)
        known = self.student.penalty_names
        self.penalties = {name: weight for name, weight in penalties[0].items() if name in known}
        self.warm_up = penalties[1]

    def _parts(self, label: Mapping[str, Any]) -> Iterator[tuple[str, WeightedSum, float, Mapping[str, Tensor]]]:
        """A word for what is compared, the objective, its weight and its signals: the lists, then the dark lists."""
        for word, (objective, weight) in self.objectives.items():
            signals = label.get("dark") if word else label
            if signals is not None:
                yield word, objective, weight, signals

    def counts(self, label: Mapping[str, Any]) -> dict[str, Tensor]:
        """Each part's denominator for one batch; needs no model.

        Args:
            label: As it is compared: of several processes, what `with_other_processes` made of the collator's.
        """
        found = {f"{word}{name}": torch.zeros(()) for word, (sums, _) in self.objectives.items() for name in sums.names}
        for word, objective, _, signals in self._parts(label):
            for name, count in objective.counts(signals, signals["counted"]).items():
                found[f"{word}{name}"] = count
        if self.joint is not None:
            found |= joint_counts(label)
        elif self.layers is not None:
            found |= layer_counts(label)
        return found | {name: torch.ones(()) for name in self.penalties}

    def scores(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """Student scores [B, N] of a collated batch's lists, float32."""
        queries, documents, *_ = self._embedded(model, inputs, 0)
        return self._compared(inputs, queries, documents).gather(1, inputs["label"]["index"])

    def _compared(self, inputs: Mapping[str, Any], queries: Any, documents: Any) -> Tensor:
        """Student scores [B, D] of a collated batch's queries and its distinct documents, float32."""
        label, wanted = inputs["label"], None
        asked = self.student.select(queries, label["query"])
        if self.student.by_pair:
            wanted = _compared_pairs(label, len(documents))
        return self.student.scores(asked, documents, wanted)

    def _embedded(self, model: Any, inputs: Mapping[str, Any], step: int) -> tuple[Any, Any, Any, Any]:
        """A collated batch's distinct queries and documents, encoded, and their states by the layers of a step."""
        inner = getattr(model, "module", model)
        # Queries go through the wrapper that several processes share, once a step; documents through the model
        # itself. The wrapper's gradient hooks sit on the parameters, so they fire once, when all chunks are summed.
        asked = (model, features_of(inputs, "query"), [whole(inputs["query_input_ids"])])
        read = (inner, features_of(inputs, "document"), inputs["document_chunks"])
        if self.layers is None:
            queries = self.student.embed(*asked, task="query")
            return queries, self.student.embed(*read, task="document", recompute=self.recompute), None, None
        options: dict[str, Any] = {"layers": self.layers.at(step)[1], "pooling": self.layers.spec.pooling}
        queries, own = self.student.embed_layers(*asked, task="query", **options)
        documents, others = self.student.embed_layers(*read, task="document", recompute=self.recompute, **options)
        return queries, documents, self.student.select_layers(own, inputs["label"]["query"]), others

    def forward(
        self, model: Any, inputs: Mapping[str, Any], counts: Counts | None = None, step: int = 0
    ) -> dict[str, Tensor]:
        """Weighted parts of the loss by name; they add up to the loss.

        Args:
            model: The student, possibly wrapped.
            inputs: What `LessonCollator` made.
            counts: Denominators over the whole step (all processes, all accumulated batches) of the lists as they are
                compared; None: this batch's own.
            step: Steps of the optimiser so far.
        """
        label = with_other_processes(inputs["label"])
        counts = self.counts(label) if counts is None else counts
        queries, documents, own, others = self._embedded(model, inputs, step)
        embedded = queries, documents
        taught = None
        if self.joint is not None and self.layers is not None:
            taught = self.joint.encode(inputs, self.layers.at(step)[0])
        if "start" in label:
            documents = gathered(documents)
            others = None if others is None else gathered_layers(others)
            taught = None if taught is None or self.joint is None else self.joint.gathered(taught)
        every = self._compared(inputs, queries, documents)
        parts = {}
        for word, objective, weight, signals in self._parts(label):
            scores = every.gather(1, signals["index"])
            for name, value in objective.numerators(scores, signals, signals["mask"]).items():
                share = weight * objective.weights[name]
                parts[f"{word}{name}"] = share * value / counts[f"{word}{name}"].to(value.device).clamp(min=1)
        if self.layers is not None:
            by_layer = self.student.layer_scores(own, others)
            by_layer = by_layer.gather(2, label["index"].expand(len(by_layer), -1, -1))
            if self.joint is None:
                parts["layers"], self.layer_weights = layer_part(by_layer, label, counts, self.layers, step)
            else:
                more, self.layer_weights = joint_parts(
                    (every.gather(1, label["index"]), by_layer),
                    self.joint.scores(taught, label),
                    label,
                    counts,
                    self.layers.spec,
                    (output_temperature(self.model, self.layers.spec), self.joint.temperature),
                    self.joint.own_list,
                )
                parts |= more
        if self.penalties:
            rise = self.student.penalty_share(step, self.warm_up)
            for name, value in self.student.penalties(*embedded).items():
                if name in self.penalties:
                    parts[name] = rise * self.penalties[name] * value / counts[name].to(value.device)
        return parts


def _compared_pairs(label: Mapping[str, Any], documents: int) -> Tensor:
    """Which documents [B, D] of a batch are in a query's list, or in the dark one beside it."""
    wanted = torch.zeros((len(label["query"]), documents), dtype=torch.bool, device=label["query"].device)
    for signals in (label, label.get("dark")):
        if signals is not None:
            rows, columns = signals["counted"].nonzero(as_tuple=True)
            wanted[rows, signals["index"][rows, columns]] = True
    return wanted
