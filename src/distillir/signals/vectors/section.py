"""Vectors of a run directory, for the report: how near the student's are to those that they followed."""

from pathlib import Path

from distillir.collections.collection import Collection
from distillir.reporting.metrics import Metrics
from distillir.reporting.section import Section, rendered
from distillir.signals.vectors.figures import nearness_figure
from distillir.signals.vectors.noted import VectorFigures


def vector_section(path: Path, metrics: Metrics, collection: Collection | None) -> Section | None:
    """The section on vectors; None for a run without."""
    found = metrics.part("vectors", VectorFigures)
    if found is None or not found.sides:
        return None
    figures = [nearness_figure(side, nearness) for side, nearness in found.sides.items()]
    return rendered("distillir.signals.vectors", vectors=found, figures=figures)
