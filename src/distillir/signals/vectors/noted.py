"""Figures on vectors as ``metrics.json`` holds them."""

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, PositiveInt


class Cosines(BaseModel):
    """Cosines of some texts' vectors.

    Attributes:
        mean: Their mean.
        quantiles: Evenly spaced, from the least to the greatest.
    """

    model_config = ConfigDict(extra="ignore")

    mean: FiniteFloat
    quantiles: list[FiniteFloat] = Field(min_length=2)


class SideNearness(BaseModel):
    """Nearness of the vectors of queries or documents.

    Attributes:
        texts: How many were looked at.
        unseen: Whether none of them was learnt from.
        before: Of the student before training; None where unknown.
        after: Of the student after it.
    """

    model_config = ConfigDict(extra="ignore")

    texts: PositiveInt
    unseen: bool
    before: Cosines | None = None
    after: Cosines


class VectorFigures(BaseModel):
    """Figures on vectors; see `distillir.signals.vectors.nearness.measure_nearness`.

    Attributes:
        model: Whose vectors were followed.
        loss: How they were compared.
        projection: Whether a linear map was learnt.
        width: Numbers of a vector of the model, as far as they were followed.
        student_width: Numbers of a vector of the student.
        queries: Of queries; None where these were not followed.
        documents: Of documents; None where these were not followed.
    """

    model_config = ConfigDict(extra="ignore")

    model: str
    loss: str
    projection: bool
    width: NonNegativeInt
    student_width: NonNegativeInt
    queries: SideNearness | None = None
    documents: SideNearness | None = None

    @property
    def sides(self) -> dict[str, SideNearness]:
        """Sides that were followed."""
        both = {"queries": self.queries, "documents": self.documents}
        return {side: found for side, found in both.items() if found is not None}
