"""Layers of a run directory, for the report: how well each ranks, which were compared, and their weights."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, ValidationError, model_validator

from distillir.base.files import read_lines
from distillir.reporting.teacher_scores import Numbers

#: The number of a layer; no model has more.
Layer = Annotated[int, Field(ge=0, lt=1000)]


class LayerQuality(BaseModel):
    """``layer_quality.json``; see `distillir.signals.layers.layer_quality`.

    Attributes:
        measure: What was measured.
        queries: On how many queries.
        documents: How many documents of each were ranked, judged ones beyond them apart.
        judged: Whether there are judgements; otherwise the teacher's first document counts as relevant.
        best: The measure of the best order of those documents; None where unknown.
        teacher: The measure of each of the teacher's layers, the last one last.
        teacher_after: The same of a teacher that was trained along, after training; empty for a frozen one.
        before: The same of the student before training.
        after: The same of the student after training.
    """

    model_config = ConfigDict(extra="ignore")

    measure: str
    queries: NonNegativeInt
    documents: NonNegativeInt
    judged: bool
    best: FiniteFloat | None = None
    teacher: list[FiniteFloat] = Field(min_length=1)
    teacher_after: list[FiniteFloat] = []
    before: list[FiniteFloat] = Field(min_length=1)
    after: list[FiniteFloat] = Field(min_length=1)

    @model_validator(mode="after")
    def _same_layers(self) -> "LayerQuality":
        if len(self.before) != len(self.after) or len(self.teacher_after) not in (0, len(self.teacher)):
            raise ValueError("has another number of layers before than after")
        return self


class Draw(BaseModel):
    """A line of ``layers.jsonl``: layers that were compared from a step on, numbered from 0.

    Attributes:
        stage: Number of the plan's stage; 0 where it has one alone.
        step: The step.
        teacher: Layers of the teacher.
        student: Those of the student that followed them, in order.
        weights: How much each pair weighed at that step.
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    stage: NonNegativeInt = 0
    step: NonNegativeInt
    teacher: list[Layer] = Field(min_length=1)
    student: list[Layer]
    weights: list[FiniteFloat]

    @model_validator(mode="after")
    def _pairs(self) -> "Draw":
        if not len(self.teacher) == len(self.student) == len(self.weights):
            raise ValueError("names no pairs")
        return self


@dataclass
class LayerReport:
    """Layers of a run.

    Attributes:
        quality: How well each ranks; None where it was not measured.
        draws: In order, steps counted through all stages.
        stages: Name and first step of each stage, where there are several.
        unreadable: Lines of ``layers.jsonl`` that are no draw (a kill can cut a line short).
        told: Whose layers were compared, and how, as the recipe has it; empty where it does not say.
    """

    quality: LayerQuality | None = None
    draws: list[Draw] = field(default_factory=list)
    stages: list[tuple[str, int]] = field(default_factory=list)
    unreadable: int = 0
    told: str = ""

    @property
    def teacher_layers(self) -> int:
        """Number of the teacher's layers; as many as were drawn where that is not known."""
        drawn = max((max(draw.teacher) + 1 for draw in self.draws), default=0)
        return max(drawn, len(self.quality.teacher) if self.quality else 0)

    @property
    def student_layers(self) -> int:
        """Number of the student's layers; see `teacher_layers`."""
        drawn = max((max(draw.student) + 1 for draw in self.draws), default=0)
        return max(drawn, len(self.quality.after) if self.quality else 0)

    @property
    def weights(self) -> Numbers:
        """Weights [draws, teacher's layers], NaN where a layer was not drawn."""
        found = np.full((len(self.draws), self.teacher_layers), np.nan)
        for row, draw in enumerate(self.draws):
            found[row, draw.teacher] = draw.weights
        return found

    @property
    def mean_weights(self) -> list[float | None]:
        """Mean weight of each of the teacher's layers over the draws that it was in; None for one in no draw."""
        columns = [column[~np.isnan(column)] for column in self.weights.T]
        return [float(column.mean()) if len(column) else None for column in columns]

    @property
    def pairs(self) -> list[list[int]]:
        """Number of draws [teacher, student] in which a layer of the student followed one of the teacher."""
        found = np.zeros((self.teacher_layers, self.student_layers), dtype=np.int64)
        for draw in self.draws:
            np.add.at(found, (draw.teacher, draw.student), 1)
        rows: list[list[int]] = found.tolist()
        return rows


def read_layers(path: Path) -> LayerReport:
    """Read what a run directory holds of layers; a part that is missing or malformed is left out.

    Args:
        path: The run directory, with ``layers.jsonl`` or ``layer_quality.json``.

    Raises:
        DistillirError: ``layers.jsonl`` is not UTF-8.
    """
    report = LayerReport(_quality(path / "layer_quality.json"), told=_told(path / "recipe.yaml"))
    if (path / "layers.jsonl").is_file():
        _read_draws(path / "layers.jsonl", report)
    return report


def _told(recipe: Path) -> str:
    """A line on what a recipe wants of layers."""
    try:
        spec = yaml.safe_load(recipe.read_text(encoding="utf-8"))["method"]["layers"]
        kind, value = next(iter(spec["teacher"].items()))
        model = value["model"] if isinstance(value, dict) else value
        joint = "trained along with the student" if spec["joint"] else "frozen, its layers scored once"
        chosen = {"random": f"drawn every {spec['redraw']} steps", "best": "those of the teacher that rank best"}
        choice = chosen.get(spec["choice"], f"by {spec['choice']}")
        states = "by the mean of their tokens' states" if spec["pooling"] == "mean" else "by their [CLS] states"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration, yaml.YAMLError):
        return ""
    return (
        f"Teacher: {model} ({kind}, {joint}). Layers compared at once: {spec['count']}, or as many as either has, "
        f"{choice}. Dense texts are compared {states}."
    )


def _quality(path: Path) -> LayerQuality | None:
    try:
        return LayerQuality.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _read_draws(path: Path, report: LayerReport) -> None:
    """Read the draws of a file; of a step that stands there twice (a resume) the later line counts."""
    found: dict[int, dict[int, Draw]] = {}
    for _, line in read_lines(path):
        if not line.strip():
            continue
        try:
            draw = Draw.model_validate_json(line)
        except ValidationError:
            report.unreadable += 1
        else:
            found.setdefault(draw.stage, {})[draw.step] = draw
    offset = 0
    for stage, draws in sorted(found.items()):
        own = [draw.model_copy(update={"step": offset + step}) for step, draw in sorted(draws.items())]
        if len(found) > 1:
            report.stages.append((str(stage), own[0].step))
        report.draws += own
        offset = end_of(own)


def end_of(draws: list[Draw]) -> int:
    """The step at which the last draw is taken to end: it lasts as long as most."""
    steps = [draw.step for draw in draws]
    return steps[-1] + (int(np.median(np.diff(steps))) if len(steps) > 1 else 1)
