"""A recipe's ``student.flops``."""

from pydantic import Field

from distillir.specs.part import Part


class FlopsSpec(Part):
    """The FLOPS regulariser of a sparse student (arXiv 2004.05665, in SPLADE arXiv 2107.05720)."""

    queries: float = Field(
        8e-4, ge=0, description="weight for queries (SPLADE-max's; with margin_mse its authors: 0.01)"
    )
    documents: float = Field(
        6e-4, ge=0, description="weight for documents (SPLADE-max's; with margin_mse its authors: 0.008)"
    )
    warmup: float = Field(1 / 3, ge=0, le=1, description="share of the steps over which the weights rise, squared")
