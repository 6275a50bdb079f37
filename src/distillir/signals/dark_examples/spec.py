"""A recipe's ``method.dark``: how dark examples are made, chosen, gated and weighted."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StrictInt, field_validator, model_validator

from distillir.signals.dark_examples.noisy import MASK
from distillir.specs.part import Part
from distillir.specs.schema import AlsoAs, InForm

Mode = Literal["concatenate", "insert", "replace", "splice"]
Operation = Literal["mask", "delete", "mask_span", "delete_span"]
Kind = Literal["reinforced", "noisy"]


class MakingSpec(Part):
    """Dark examples that are made of a query's candidates. Every number is a reconstruction: the paper's are unknown.

    What is not asked for is not made: ``reinforced: 0`` leaves noisy positives alone, and the other way round.
    """

    reinforced: int = Field(12, ge=0, description="reinforced negatives made for each query")
    modes: list[Mode] = Field(
        default_factory=lambda: list(get_args(Mode)),
        min_length=1,
        description="how a part of the positive is put into a negative; taken in turn",
    )
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=lambda: [0.2, 0.4, 0.6], min_length=1, description="parts of the positive, drawn"
    )
    negatives: int = Field(8, ge=1, description="from this many of the teacher's best negatives")
    noisy: int = Field(8, ge=0, description="noisy positives made for each query")
    operations: list[Operation] = Field(
        default_factory=lambda: list(get_args(Operation)),
        min_length=1,
        description="what is done to the positive; taken in turn",
    )
    rates: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default_factory=lambda: [0.3, 0.5, 0.7], min_length=1, description="shares of its words that go, drawn"
    )
    mask: str = Field(MASK, min_length=1, description="what stands for a masked word")


class GateSpec(Part):
    """The self-paced gate of dark examples. A reconstruction; see `gate.py`."""

    confidence: Literal["share", "margin", "sigmoid"] = Field(
        "share", description="how sure the teacher is: the positive's share of its softmax, its margin, or its sigmoid"
    )
    temperature: float = Field(1.0, gt=0, description="of that softmax or sigmoid")
    schedule: Literal["constant", "linear", "quantile"] = Field(
        "quantile", description="quantile: start and end are the shares of all queries that are let through"
    )
    start: float = Field(0.5, description="share let through, or least confidence that opens it, as a stage begins")
    end: float = Field(0.5, description="the same as it ends (of no matter for constant)")
    lists: bool = Field(False, description="gate the ordinary list too")

    @model_validator(mode="after")
    def _shares(self) -> "GateSpec":
        if self.schedule == "quantile" and not (0 <= self.start <= 1 and 0 <= self.end <= 1):
            raise ValueError("start and end are shares of the queries, from 0 to 1, where the schedule is quantile")
        return self


class DarkSpec(MakingSpec):
    """Dark examples as a recipe asks for them. Every default is a reconstruction: the paper's are not known."""

    weight: float = Field(1.0, gt=0, description="lambda: weight of the dark lists beside the ordinary ones")
    count: StrictInt = Field(4, ge=0, description="dark examples in a training example; 0: none")
    kinds: list[Kind] = Field(
        default_factory=lambda: list(get_args(Kind)), min_length=1, description="which of those made may be chosen"
    )
    choice: Literal["middle", "random"] = Field(
        "middle", description="middle: spread over the gap between hard negatives and positive; random: drawn anew"
    )
    floor: float = Field(
        1.0, ge=0, le=1, description="where the gap begins: quantile of the negatives' scores (1: the best negative)"
    )
    drop_above: bool = Field(True, description="leave out what the teacher scores above the positive")
    originals: bool = Field(False, description="the training example's candidates are in the dark list too")
    objective: Annotated[Any, InForm("objective", null=True)] = Field(
        None, description="what is compared on dark lists; null: what is on the ordinary ones"
    )
    gate: Annotated[GateSpec | None, AlsoAs({"enum": [True, False, "none", "off"]})] = Field(
        default_factory=GateSpec, description="null: every query's are learnt from"
    )

    @field_validator("gate", mode="before")
    @classmethod
    def _no_gate(cls, value: Any) -> Any:
        if value is True:
            return {}
        return None if value is False or value in ("none", "off") else value

    def making(self) -> MakingSpec:
        """The part about making; equal for specs that differ only in choice, gate and weight."""
        return MakingSpec(**self.model_dump(include=set(MakingSpec.model_fields)))
