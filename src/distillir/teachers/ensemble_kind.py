"""An ensemble as a recipe names it for a teacher."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from distillir.base.errors import DistillirError
from distillir.specs.part import Options
from distillir.specs.schema import InForm
from distillir.teachers.kind import TeacherKind
from distillir.teachers.load import load_teacher
from distillir.teachers.registry import FORM

if TYPE_CHECKING:
    from distillir.teachers.ensemble import EnsembleTeacher


class EnsembleSpec(Options):
    """Teachers whose scores are summed; see `distillir.teachers.ensemble.EnsembleTeacher`."""

    ensemble: list[Annotated[Any, InForm("teacher")]] = Field(min_length=1, description="its members, in any form")
    weights: list[float] | None = Field(None, description="one a member; null: 1 each")
    normalize: Literal["zscore", "minmax", "none"] = Field(
        "zscore", description="what is done to a member's scores of each list before they are summed"
    )

    @field_validator("ensemble", mode="before")
    @classmethod
    def _members(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple) or not value:
            raise ValueError(f"{value!r} is no list of teachers; write [bm25, {{dense: name}}]")
        return list(value)

    @field_validator("weights", mode="before")
    @classmethod
    def _weights(cls, value: Any) -> Any:
        if value is None:
            return value
        if not isinstance(value, list | tuple) or not all(
            isinstance(w, int | float) and not isinstance(w, bool) and math.isfinite(w) for w in value
        ):
            raise ValueError(f"{value!r} is no list of finite numbers")
        return list(value)


def _check(options: EnsembleSpec, where: str) -> None:
    for number, member in enumerate(options.ensemble):
        FORM.read(member, f"{where}.ensemble[{number}]")
    weights = options.weights
    if weights is not None and not any(weights):
        raise DistillirError("every weight is 0", where=f"{where}.weights", remedy="give one that is not")
    if weights is not None and len(weights) != len(options.ensemble):
        raise DistillirError(
            f"{len(weights)} weights for {len(options.ensemble)} members",
            where=f"{where}.weights",
            remedy="give one weight a member",
        )


def _make(options: EnsembleSpec, cache: Path | None) -> "EnsembleTeacher":
    from distillir.teachers.ensemble import EnsembleTeacher

    members = [load_teacher(member, cache=cache) for member in options.ensemble]
    return EnsembleTeacher(members, options.weights, options.normalize)


ENSEMBLE = TeacherKind(
    "ensemble",
    "weighted sum of other teachers, normalised per query; options weights, normalize",
    EnsembleSpec,
    "ensemble",
    beside=True,
    check=_check,
    make=_make,
)
