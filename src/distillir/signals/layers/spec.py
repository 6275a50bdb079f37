"""A recipe's ``method.layers``: the teacher whose layers the student's follow, and their weights."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from distillir.base.errors import DistillirError
from distillir.specs.part import Part
from distillir.specs.schema import InForm


class LayerSpec(Part):
    """Layers of a teacher beside the lists of any method: one that is trained along (LEAD), or a frozen one (ours).

    The other defaults are LEAD's (microsoft/SimXNS LEAD/run_LEAD.py and its scripts).
    """

    teacher: Annotated[Any, InForm("layered teacher", null=True)] = Field(
        None,
        description="{dense: model}, {multi-vector: model} or {cross-encoder: model}; null: the recipe's teacher",
    )
    joint: bool = Field(
        False,
        description="train the teacher along, on its own loss, the two-way KL of the outputs and the layers; "
        "method lead does; false (ours): it is frozen, and its layers are scored once",
    )
    supervised: float = Field(1.0, ge=0, description="of the joint teacher's own cross-entropy beside the objective")
    response: float = Field(1.0, ge=0, description="of the two-way KL of a joint teacher's outputs and the student's")
    cosine_temperature: float = Field(
        0.05, gt=0, description="divides outputs that are cosines there (LEAD compares raw products, at 1)"
    )
    pooling: Literal["cls", "mean"] = Field(
        "cls", description="of dense teachers' and dense and sparse students' layers; mean is ours"
    )
    choice: Literal["random", "last", "skip", "best"] = Field(
        "random",
        description="random: drawn on both sides, paired in order; last: the last ones; skip: every second of the "
        "teacher and the last of the student; best (ours): those of a frozen teacher that rank the "
        "training lists best, and the last of the student",
    )
    count: int = Field(5, ge=1, description="layers compared at once; at most as many as either model has")
    redraw: int = Field(10, ge=1, description="steps between draws")
    temperature: float = Field(1.0, gt=0, description="of the teacher's layers")
    layer_temperature: float = Field(10.0, gt=0, description="of the weights of the layers")
    student_temperature: float = Field(1.0, gt=0, description="of the student's layers (ours)")
    weight: float = Field(1.0, gt=0, description="of the layers beside the objective")

    @field_validator("teacher")
    @classmethod
    def _known(cls, value: Any) -> Any:
        from distillir.teachers.load_layered import validate_layered_spec

        if value is None:
            return value
        try:
            validate_layered_spec(value, None)
        except DistillirError as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _frozen_best(self) -> "LayerSpec":
        if self.joint and self.choice == "best":
            raise ValueError("choice: best measures a frozen teacher: set joint to false, or choose another")
        return self
