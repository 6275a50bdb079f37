"""Layers in a training: whose they are, which are compared when, what a joint teacher reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillir.base.processes import first_process_first
from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.signals.layers.draw import LayerDraw
from distillir.signals.layers.layer_set import LayerSet
from distillir.signals.layers.quality import best_layers
from distillir.signals.layers.spec import LayerSpec
from distillir.students.student import student_of
from distillir.teaching.lists import Lists
from distillir.training.joint_teacher import JointTeacher
from distillir.training.teacher_inputs import EncoderInputs, PairInputs, TeacherInputs
from distillir.training.tokens import tokenise


@dataclass(frozen=True)
class LayerTraining:
    """Layers that the student's follow.

    Attributes:
        spec: How they are compared.
        scores: Those of a frozen teacher; None for a joint one.
        teacher: The model of a joint teacher, which is trained in place; None for a frozen one.
        log: JSON-lines file of the draws and weights; None for none.
    """

    spec: LayerSpec
    scores: LayerSet | None = None
    teacher: Any = None
    log: Path | None = None


def layer_draw(
    layers: LayerTraining | None, joint: JointTeacher | None, lists: Lists, model: Any, seed: int
) -> LayerDraw | None:
    """Which layers are compared at each step; None without layers."""
    if layers is None:
        return None
    student = student_of(model).depth
    if joint is not None:
        return LayerDraw(layers.spec, len(joint.blocks), student, seed)
    assert layers.scores is not None
    best = best_layers(layers.scores, lists) if layers.spec.choice == "best" else ()
    return LayerDraw(layers.spec, layers.scores.depth, student, seed, best)


def teacher_inputs(
    joint: JointTeacher, collection: Collection, rows: tuple[Rows, Rows], work: Path, budget: int
) -> TeacherInputs:
    """What a joint teacher reads of the queries and documents in ``rows``."""
    model = joint.encoder
    if joint.own_list:
        return PairInputs(model, collection, budget)
    with first_process_first():
        queries = tokenise(work / "teacher-query-tokens", model, collection.queries, rows[0], kind="query")
        documents = tokenise(work / "teacher-document-tokens", model, collection.corpus, rows[1], kind="document")
    return EncoderInputs(queries, documents, budget)
