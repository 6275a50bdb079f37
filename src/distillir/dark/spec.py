"""How many dark examples of what kind are made."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from distillir.dark.noisy import MASK

Mode = Literal["concatenate", "insert", "replace", "splice"]
Operation = Literal["mask", "delete", "mask_span", "delete_span"]


class DarkSpec(BaseModel):
    """Dark examples of a query. Every number is a reconstruction: the paper's are not known.

    What is not asked for is not made: ``reinforced: 0`` leaves noisy positives alone, and the other way round.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

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
    mask: str = Field(MASK, description="what stands for a masked word")
    pseudo_positives: bool = Field(False, description="the teacher's best candidate stands for a missing judged one")
