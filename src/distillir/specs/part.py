"""Part: the base of everything that a recipe may say."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a recipe: unknown keys are refused, and numbers that are none."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
