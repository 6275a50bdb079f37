"""A recipe's ``method:``."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from distillir.errors import DistillirError
from distillir.methods.registry import get, get_plan
from distillir.plans.plan import Plan
from distillir.plans.stage import Stage


class MethodSpec(BaseModel):
    """A method's name, and what of it is to differ."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = Field("kl", description="see distillir list")
    plan: str | list[Stage] | None = Field(None, description="a plan's name, or stages; null: the method's own")
    stages: list[int] | Literal["together"] | None = Field(
        None, description="stages of the plan by number, in this order; together: all at once; null: all in order"
    )
    objective: Any = Field(None, description="what is compared; null: the method's own")

    def find_plan(self) -> Plan:
        """The plan this stands for.

        Raises:
            DistillirError: No such method or plan, or a list without a stage.
        """
        method = get(self.name)
        if isinstance(self.plan, list):
            if not self.plan:
                raise DistillirError("a plan has at least one stage", where="method.plan")
            return Plan("own", "stages of the recipe", tuple(self.plan))
        return get_plan(self.plan or method.plan)
