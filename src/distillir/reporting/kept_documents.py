"""The section on documents that are kept: the student beside their own query encoder, and what a query costs."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt

from distillir.collections.collection import Collection
from distillir.reporting.metrics import ComparisonFigures, Metrics
from distillir.reporting.section import Section, rendered


class QueryCost(BaseModel):
    """Cost of a query: the encoder's parameters, and milliseconds of a query by itself on the machine of the run."""

    parameters: NonNegativeInt
    ms: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class KeptFigures(BaseModel):
    """Facts of a run on documents that are kept; see `distillir.pipeline.kept_documents.measure_kept`.

    Attributes:
        name: Whose vectors they are.
        documents: How many.
        width: Numbers of one.
        bytes: Of all.
        unit: What is kept of a document.
        units: How many of them; None: one a document.
        similarity: How they are compared.
        measures: Means by the documents' own query encoder; empty where there is none.
        comparison: That one (before) and the student (after) on each measure.
        query: Costs of the ``student`` and of the ``documents``' own encoder.
    """

    model_config = ConfigDict(extra="ignore")

    name: str
    documents: NonNegativeInt
    width: NonNegativeInt
    bytes: NonNegativeInt
    similarity: str
    unit: str = "vectors"
    units: NonNegativeInt | None = None
    measures: dict[str, FiniteFloat] = {}
    comparison: list[ComparisonFigures] = []
    query: dict[str, QueryCost] = {}

    def compared(self, measure: str) -> ComparisonFigures | None:
        """The student against the documents' own query encoder."""
        return next((one for one in self.comparison if one.measure == measure), None)


def kept_section(path: Path, metrics: Metrics, collection: Collection | None) -> Section | None:
    """The section; None where documents are encoded by the student."""
    found = metrics.part("kept", KeptFigures)
    return rendered("distillir.reporting.kept_templates", kept=found, metrics=metrics) if found else None
