"""Pairwise teachers as a recipe names them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator

from distillir.base.errors import DistillirError
from distillir.specs.form import Form
from distillir.specs.part import Number, Options, Word
from distillir.specs.registry import Registry
from distillir.specs.schema import InForm
from distillir.teachers.ensemble_kind import EnsembleSpec
from distillir.teachers.kind import PairwiseKind
from distillir.teachers.language_models.kinds import DUOT5, PAIRWISE_PROMPT

if TYPE_CHECKING:
    from distillir.teachers.cross_encoders.pairwise import PairwiseCrossEncoder
    from distillir.teachers.pairwise_difference import ScoreDifference


class PairwiseModelSpec(Options):
    """A cross-encoder that compares two documents."""

    model: Word = Field(description="folder that distillir train-teacher --pairwise wrote")
    precision: Word = Field("auto", description="of the model: auto, float32, bf16 or int8")
    trust_remote_code: bool = Field(False, description="let Python code that comes with the model run")


class DifferenceSpec(Options):
    """A pointwise teacher whose scores are subtracted; see `distillir.teachers.pairwise_difference`."""

    teacher: Annotated[Any, InForm("teacher")] = Field(description="the pointwise teacher; no ensemble")
    # As it is written: preferences are kept under it.
    temperature: Number = Field(1.0, description="divides the difference of its scores; above 0")

    @field_validator("temperature", mode="before")
    @classmethod
    def _above_0(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise ValueError(f"temperature is {value!r}; give a number above 0")
        return value


def _cross_encoder(options: PairwiseModelSpec, cache: Path | None) -> "PairwiseCrossEncoder":
    from distillir.teachers.cross_encoders.pairwise import PairwiseCrossEncoder

    return PairwiseCrossEncoder(**options.written(), cache=cache)


def _check_difference(options: DifferenceSpec, where: str) -> None:
    from distillir.teachers.registry import FORM as POINTWISE

    chosen = POINTWISE.read(options.teacher, f"{where}.teacher")
    if isinstance(chosen.options, EnsembleSpec):
        raise DistillirError(
            "an ensemble's scores depend on the whole list", where=f"{where}.teacher", remedy="name one of its members"
        )


def _difference(options: DifferenceSpec, cache: Path | None) -> "ScoreDifference":
    from distillir.teachers.pairwise_difference import make_difference

    return make_difference(options.written())


CROSS_ENCODER = PairwiseKind(
    "cross-encoder",
    "what `distillir train-teacher --pairwise` made; options model, precision, trust_remote_code",
    PairwiseModelSpec,
    "model",
    make=_cross_encoder,
)
DIFFERENCE = PairwiseKind(
    "difference",
    "the difference of a pointwise teacher's scores (ours); options teacher, temperature",
    DifferenceSpec,
    check=_check_difference,
    make=_difference,
)

_ALL = (CROSS_ENCODER, PAIRWISE_PROMPT, DUOT5, DIFFERENCE)
PAIRWISE_TEACHERS: Registry[PairwiseKind] = Registry(
    "pairwise teacher", "distillir.pairwise_teachers", PairwiseKind, {kind.name: kind for kind in _ALL}
)
FORM = Form(
    "pairwise teacher",
    PAIRWISE_TEACHERS,
    "names no pairwise teacher",
    "write {cross-encoder: path/to/folder}",
    bare=False,
)
