"""Soft labels: another teacher's scores as the targets of a cross-encoder in training."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.base.yaml_file import load_yaml, read_mapping
from distillir.collections import Collection
from distillir.retrieval.run import Scores
from distillir.retrieval.ties import all_tied
from distillir.teachers.counted import CountedTeacher, calls_told
from distillir.teachers.cross_encoder_training.lists import TrainingLists
from distillir.teachers.cross_encoders.load import is_cross_encoder
from distillir.teachers.diagnostics import Diagnostics, diagnose, say_diagnostics
from distillir.teachers.load import validate_teacher_spec
from distillir.teachers.registry import TEACHERS

WHERE = "--soft-labels"


@dataclass(frozen=True)
class SoftLabels:
    """A teacher's scores of lists.

    Attributes:
        scores: Per list [C], aligned with its documents; NaN for what is left out.
        temperature: Where the mean entropy of the lists' softmax is one half of uniform
            (`distillir.teachers.diagnostics.suggest_temperature`).
        found: Figures on the scores.
        silent: Candidates without an answer; they are left out.
        tied: Lists of one score, or of fewer than two answers; they are left out.
    """

    scores: list[Scores]
    temperature: float
    found: Diagnostics
    silent: int
    tied: int


def read_soft_labels(text: str) -> str | dict[str, Any]:
    """The teacher that ``--soft-labels`` names, in the form of a recipe's ``teacher``.

    Args:
        text: ``bm25``; a model's folder or name (a cross-encoder by its files, else a dense encoder); a mapping in YAML
            or JSON, as in a recipe; or a file that holds one, also as a recipe does, under ``teacher``.

    Raises:
        DistillirError: It is none of these, or not the form of a teacher.
    """
    if not text.strip():
        raise DistillirError("names no teacher", where=WHERE, remedy="write for example bm25")
    try:
        in_file = Path(text).expanduser().is_file()
    except OSError:  # too long for a name: a mapping
        in_file = False
    if in_file:
        value: Any = read_mapping(Path(text).expanduser(), "a teacher is a mapping, as in a recipe")[0]
        value = value.get("teacher", value)
    else:
        value = load_yaml(text, WHERE) if text.lstrip().startswith("{") or ": " in text else text
    if isinstance(value, str) and not TEACHERS.knows(value):
        value = {"cross-encoder" if is_cross_encoder(value) else "dense": value}
    validate_teacher_spec(value, WHERE)
    return dict(value) if isinstance(value, Mapping) else str(value)


def soft_labels(teacher: CountedTeacher, collection: Collection, lists: TrainingLists) -> SoftLabels:
    """Score every list by a teacher, and print figures on the scores.

    Raises:
        DistillirError: No list is left whose scores differ, or no temperature parts them.
    """
    asked = teacher.score(collection, lists.queries, lists.documents)
    silent = sum(int(np.isnan(values).sum()) for values in asked)
    scores, answers, relevant, tied = [], [], [], 0
    for values, labels in zip(asked, lists.labels, strict=True):
        known = ~np.isnan(values)
        if all_tied(values[known]):
            tied += 1
            values = np.full_like(values, np.nan)
        else:
            answers.append(values[known])
            relevant.append(labels[known] == 1)
        scores.append(values)
    say(f"Soft labels of {teacher.name} ({calls_told(teacher.calls())}):")
    found = diagnose(answers, relevant)
    say_diagnostics(found)
    if silent:
        say(f"  {silent} candidates without an answer are left out")
    if tied:
        say(f"  {tied} of {len(lists)} lists have one score throughout, or fewer than two: they are left out")
    if found.temperature is None:
        raise DistillirError(
            "its scores part no list of candidates: there is nothing to learn from it",
            where=f"{WHERE}: {teacher.name}",
            remedy="name another teacher, or more negatives (--negatives-per-positive)",
        )
    return SoftLabels(scores, found.temperature, found, silent, tied)
