"""Part: the base of everything that a recipe may say, and the values that many parts have."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, Strict, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """A part of a recipe: unknown keys are refused, and what is of another kind (``"3"`` and true are no numbers)."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    def written(self) -> dict[str, Any]:
        """The values that were given, by key, as they were checked; defaults are left out."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


class Options(Part):
    """Options of a kind that a recipe names."""

    model_config = ConfigDict(protected_namespaces=())


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PydanticCustomError("float_type", "input should be a finite number")
    return value


#: Two texts, which files hold as a list.
TwoTexts = Annotated[tuple[str, str], Strict(False)]
#: A text that is not blank.
Word = Annotated[str, StringConstraints(pattern=r"\S")]
#: A number as it is written, whole or not: fingerprints tell 1 from 1.0.
Number = Annotated[float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
#: A whole number above 0.
Count = Annotated[int, Strict(), Field(ge=1)]
