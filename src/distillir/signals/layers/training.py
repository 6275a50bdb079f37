"""Layers in a training: whose they are, which are compared when, what a joint teacher reads and adds to the loss."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distillir.base.arrays import LayerScores, Rows
from distillir.base.hashes import hash_of_arrays
from distillir.base.processes import first_process_first
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.encoding.fingerprint import model_fingerprint
from distillir.encoding.saving import save_model
from distillir.signals.layers.draw import LayerDraw
from distillir.signals.layers.joint_loss import joint_counts, joint_terms
from distillir.signals.layers.joint_teacher import JointTeacher, joint_teacher, output_temperature
from distillir.signals.layers.layer_log import LayerLog
from distillir.signals.layers.layer_loss import layer_counts, layer_term
from distillir.signals.layers.layer_set import LayerSet
from distillir.signals.layers.quality import best_layers
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.layers.teacher_inputs import EncoderInputs, PairInputs, TeacherInputs
from distillir.signals.signal_training import Batch, Begun, Output, SignalTraining, States
from distillir.students.loaded import student_of
from distillir.teaching.lists import Lists


class LayerTraining(SignalTraining):
    """Layers that the student's follow.

    Args:
        spec: How they are compared.
        scores: Those of a frozen teacher; None for a joint one.
        teacher: The model of a joint teacher, which is trained in place; None for a frozen one.
        log: JSON-lines file of the draws and weights; None for none.

    Attributes:
        draw: Which layers are compared at each step, once the training has begun.
        module: The joint teacher then; None for a frozen one.
        read: What it reads of a batch.
        weights: Of the layers drawn in the last batch [K]; None before.
    """

    name = "layers"
    along = "teacher"
    needs_positive = True  # layers weigh by where they rank it (LEAD)

    def __init__(
        self, spec: LayerSpec, scores: LayerSet | None = None, teacher: Any = None, log: Path | None = None
    ) -> None:
        self.spec, self.scores, self.teacher, self.log = spec, scores, teacher, log
        self.attachment = scores
        self.encoders = [] if teacher is None else [teacher]
        self.module: JointTeacher | None = None
        self.read: TeacherInputs | None = None
        self.draw: LayerDraw | None = None
        self.weights: Tensor | None = None

    def identity(self) -> dict[str, Any]:
        """See `SignalTraining.identity`."""
        teacher = None if self.teacher is None else model_fingerprint(self.teacher)
        scored = None
        if self.scores is not None:
            scored = hash_of_arrays(*(self.scores.of(index) for index in range(len(self.scores))))
        return {"layers": [self.spec.model_dump(mode="json"), teacher, scored]}

    def begin(self, training: Begun) -> None:
        """Settle which layers are compared, and make ready a joint teacher and what it reads."""
        if self.teacher is not None:
            self.module = joint_teacher(self.teacher, self.spec, recompute=training.settings.grad_cache)
            documents = training.candidates[training.candidates < len(training.collection.corpus)]
            self.read = teacher_inputs(
                self.module,
                training.collection,
                (training.lists.queries, documents),
                training.work,
                training.settings.token_budget,
            )
        self.draw = self._draw(training.lists, student_of(training.model).depth, training.seed)

    def _draw(self, lists: Lists, student: int, seed: int) -> LayerDraw:
        if self.module is not None:
            return LayerDraw(self.spec, len(self.module.blocks), student, seed)
        assert self.scores is not None
        best = best_layers(self.scores, lists) if self.spec.choice == "best" else ()
        return LayerDraw(self.spec, self.scores.depth, student, seed, best)

    @property
    def drawn(self) -> LayerDraw:
        """The draw of layers that are compared; known once the training has begun."""
        assert self.draw is not None
        return self.draw

    def collate(self, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        """Scores of a frozen teacher's layers, ``layers`` float32 [K, B, N]; or what a joint teacher reads."""
        shape = batch.label["index"].shape
        if self.read is not None:
            return self.read(batch.examples, batch.queries, batch.documents, shape)
        return ({}, {"layers": layer_tensor(batch.held(self.name), shape[1])}) if self.scores is not None else ({}, {})

    def joined(self, label: Mapping[str, Any], width: int) -> dict[str, Any]:
        """A frozen teacher has not scored documents of other processes."""
        return {"layers": torch.nn.functional.pad(label["layers"], (0, width))} if "layers" in label else {}

    def states(self, step: int) -> States:
        """The student's layers of the step."""
        return States(self.drawn.at(step)[1], self.spec.pooling)

    def counts(self, label: Mapping[str, Any]) -> dict[str, Tensor]:
        """See `SignalTraining.counts`."""
        return joint_counts(label) if self.module is not None else layer_counts(label)

    def terms(
        self,
        output: Output,
        inputs: Mapping[str, Any],
        label: Mapping[str, Any],
        counts: Mapping[str, Tensor],
        step: int,
    ) -> dict[str, Tensor]:
        """``layers``, and of a joint teacher ``teacher`` and ``response`` before it."""
        index = label["index"]
        if self.module is None:
            term, self.weights = layer_term(output.by_layer(index), label, counts, self.drawn, step)
            return {"layers": term}
        taught = self.module.encode(inputs, self.drawn.at(step)[0])
        if "start" in label:
            taught = self.module.gathered(taught)
        found, self.weights = joint_terms(
            (output.of(index), output.by_layer(index)),
            self.module.scores(taught, label),
            label,
            self.spec,
            (output_temperature(output.model, self.spec), self.module.temperature),
            self.module.own_list,
        )
        return found

    def callbacks(self, stage: int | None) -> list[Any]:
        """The log of draws and weights."""
        return [] if self.log is None else [LayerLog(self.log, self, stage)]

    def save(self, folder: Path) -> None:
        """The joint teacher."""
        save_model(self.teacher, folder, create_model_card=False)


def layer_tensor(given: Sequence[LayerScores], width: int) -> Tensor:
    """Scores of the teacher's layers [K, B, N]; 0 behind each own list."""
    values = np.zeros((len(given[0]), len(given), width), dtype=np.float32)
    for row, own in enumerate(given):
        values[:, row, : own.shape[1]] = own
    return torch.from_numpy(values)


def teacher_inputs(
    joint: JointTeacher, collection: Collection, rows: tuple[Rows, Rows], work: Path, budget: int
) -> TeacherInputs:
    """Make the inputs of a joint teacher for the queries and documents in ``rows``."""
    model = joint.encoder
    if joint.own_list:
        return PairInputs(model, collection, budget)
    with first_process_first():
        queries = tokenise(work / "teacher-query-tokens", model, collection.queries, rows[0], kind="query")
        documents = tokenise(work / "teacher-document-tokens", model, collection.corpus, rows[1], kind="document")
    return EncoderInputs(queries, documents, budget)
