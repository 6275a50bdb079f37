"""Facts of signals without a section of their own, as tables: no code of theirs runs for a report."""

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat

from distillir.collections.collection import Collection
from distillir.reporting.figures.figure import Figure
from distillir.reporting.figures.values import values_figure
from distillir.reporting.metrics import Metrics
from distillir.reporting.section import Section, rendered
from distillir.reporting.wording import rows_of


class SignalFacts(BaseModel):
    """What a run noted of a signal.

    Attributes:
        description: One line on the signal.
        values: Numbers that are drawn as histograms, by what they are.
    """

    model_config = ConfigDict(extra="allow")

    description: str = ""
    values: dict[str, list[FiniteFloat]] = {}

    @property
    def rows(self) -> list[tuple[str, Any]]:
        """Name and value of all others."""
        return rows_of(self.model_extra or {})

    @property
    def figures(self) -> list[Figure]:
        """A histogram of each group of values."""
        return [values_figure(name, np.array(values)) for name, values in self.values.items() if values]


def facts_section(path: Path, metrics: Metrics, collection: Collection | None) -> Section | None:
    """A table, and histograms, of each signal that has noted facts."""
    found = metrics.part("signals", dict[str, SignalFacts])
    return rendered("distillir.reporting.signal_templates", signals=found) if found else None
