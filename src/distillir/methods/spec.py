"""A recipe's ``method:``."""

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from distillir.base.errors import DistillirError
from distillir.methods.registry import get_method, get_plan
from distillir.plans.plan import Plan
from distillir.plans.stage import Stage
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.preferences.spec import PairSpec
from distillir.signals.registry import SIGNALS, built_in
from distillir.specs.part import Part
from distillir.specs.schema import AlsoAs, InForm, Schema


def _signals_by_key(schema: Schema) -> None:
    """Let the schema have signals of the package as keys of the method; see `MethodSpec._signals_as_keys`."""
    for kind in built_in():
        if kind.name not in schema["properties"]:
            own = {"$ref": f"#/$defs/signals/properties/{kind.name}"}
            schema["properties"][kind.name] = {"anyOf": [own, {"const": True}], "description": kind.description}


class MethodSpec(Part):
    """A method's name, and the changes to it."""

    model_config = ConfigDict(json_schema_extra=_signals_by_key)

    name: Annotated[str, InForm("method")] = Field("kl", description="see distillir list")
    plan: Annotated[str, InForm("plan")] | list[Stage] | None = Field(
        None, description="a plan's name, or stages; null: the method's own"
    )
    stages: list[int] | Literal["together"] | None = Field(
        None, description="stages of the plan by number, in this order; together: all at once; null: all in order"
    )
    objective: Annotated[Any, InForm("objective", null=True)] = Field(
        None, description="what is compared; null: the method's own"
    )
    rounds: int = Field(
        1,
        ge=1,
        le=1000,
        description="times the plan is gone through; before each further one the student so far mines anew",
    )
    restart: bool = Field(
        False,
        description="train each round from the student as it was before the first, not from the last round's (which of "
        "the two PairDistill does is not known: a reconstruction either way)",
    )
    dark: Annotated[DarkSpec | None, AlsoAs({"type": "boolean"})] = Field(
        None,
        description="dark examples beside the lists of any method: true, false or a mapping; null: the method's own",
    )
    pairs: PairSpec | None = Field(None, description="a pairwise teacher's preferences beside the lists of any method")
    layers: Annotated[LayerSpec | None, AlsoAs({"const": True})] = Field(
        None,
        description="a teacher's layers beside the lists of any method: true (of the recipe's teacher) or a mapping; "
        "null: the method's own (lead has some)",
    )
    signals: Annotated[dict[str, Any], InForm("signals")] = Field(
        default_factory=dict,
        description="further signals beside the lists, by name or as module:NAME, each with its options",
    )

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The key is left out where there are none: recipes of earlier versions had it not."""
        found: dict[str, Any] = write(self)
        return found if self.signals else {name: value for name, value in found.items() if name != "signals"}

    @model_validator(mode="before")
    @classmethod
    def _signals_as_keys(cls, value: Any) -> Any:
        """Signals of the package that have no field here may stand beside ``name``, too: they join ``signals``."""
        if not isinstance(value, dict):
            return value
        keys = [name for name in SIGNALS.builtin() if name in value and name not in cls.model_fields]
        if not keys:
            return value
        others, signals = {name: own for name, own in value.items() if name not in keys}, value.get("signals") or {}
        if not isinstance(signals, dict):
            return value
        if twice := [name for name in keys if name in signals]:
            raise ValueError(f"{twice[0]} stands in signals, too: take one of them out")
        return others | {"signals": {**{name: value[name] for name in keys if value[name] is not None}, **signals}}

    @field_validator("dark", mode="before")
    @classmethod
    def _dark_switch(cls, value: Any) -> Any:
        return {} if value is True else {"count": 0} if value is False else value

    @field_validator("layers", mode="before")
    @classmethod
    def _layer_switch(cls, value: Any) -> Any:
        return {} if value is True else value

    @model_validator(mode="after")
    def _own_dark(self) -> "MethodSpec":
        with suppress(DistillirError):  # an unknown name is told by `distillir.composition.compose`
            if self.dark is None and "dark" in get_method(self.name).signals:
                self.dark = DarkSpec()
        return self

    @model_validator(mode="after")
    def _own_layers(self) -> "MethodSpec":
        with suppress(DistillirError):
            if "layers" in get_method(self.name).signals and (
                self.layers is None or "joint" not in self.layers.model_fields_set
            ):
                own = {} if self.layers is None else self.layers.model_dump(exclude_unset=True)
                self.layers = LayerSpec(**own, joint=True)
        return self

    @model_validator(mode="after")
    def _own_signals(self) -> "MethodSpec":
        """Signals of the method that have no field here are wanted with their defaults."""
        with suppress(DistillirError):
            for name in get_method(self.name).signals:
                if name not in type(self).model_fields and name not in self.signals:
                    self.signals = {name: {}, **self.signals}
        return self

    @model_validator(mode="after")
    def _rounds_in_order(self) -> "MethodSpec":
        if self.restart and self.rounds == 1:
            raise ValueError("restart is for rounds: set rounds to 2 or more, or leave it out")
        if self.rounds > 1 and self.stages == "together":
            raise ValueError("stages: together leaves no room for rounds: take one of them out")
        return self

    @property
    def compares_lists(self) -> bool:
        """Tell whether the method compares lists, where the recipe's own objective says nothing.

        Raises:
            DistillirError: No such method.
        """
        return self.objective is not None or get_method(self.name).objective is not None

    def find_dark(self) -> DarkSpec | None:
        """The dark examples wanted; None for none."""
        return self.dark if self.dark is not None and self.dark.count else None

    def find_plan(self) -> Plan:
        """The plan this stands for.

        Raises:
            DistillirError: No such method or plan, or a list without a stage.
        """
        method = get_method(self.name)
        if isinstance(self.plan, list):
            if not self.plan:
                raise DistillirError("a plan has at least one stage", where="method.plan")
            plan = Plan("own", "stages of the recipe", tuple(self.plan))
        else:
            own = self.plan or method.plan
            plan = get_plan(own) if isinstance(own, str) else own
        return plan.in_rounds(self.rounds, self.restart)

    def defaults(self, student: str = "dense", queries_per_step: int | None = None) -> dict[str, Any]:
        """Published training settings that hold where the recipe is silent; errors as `find_plan`.

        Args:
            student: Kind of student.
            queries_per_step: The recipe's; None: the plan's.
        """
        teacher = self.layers.teacher if self.layers is not None else None
        kinds = teacher if isinstance(teacher, dict) else ()
        found = {**get_method(self.name).training, **self.find_plan().defaults(student, kinds, queries_per_step)}
        if self.layers is not None and self.layers.joint and "cross-encoder" in (self.layers.teacher or {}):
            # LEAD: a teacher that reads query and document together scores the query's own list alone.
            found.pop("in_batch", None)
        return found
