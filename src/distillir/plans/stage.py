"""Stage: one part of a plan, as a recipe writes it."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from distillir.plans.graded_lists import GradedLists
from distillir.plans.list_sampler import ListSampler
from distillir.plans.plain_lists import PlainLists
from distillir.plans.settings import TrainingSettings
from distillir.specs.part import Part
from distillir.specs.schema import InForm


class GradedSpec(Part):
    """Lists of three groups; see `distillir.plans.graded_lists.GradedLists`."""

    top: int = Field(ge=0, description="candidates whose order is taught: the head of the teacher's ranking")
    hard: int = Field(0, ge=0, description="candidates drawn from what follows; below the top ones, not ordered")
    remaining: int = Field(0, ge=0, description="candidates drawn from the rest; below the hard ones, not ordered")
    cut: int | Literal["half"] = Field(
        "half", description="last rank of the hard ones' range; half (reconstruction): half of what follows the top"
    )
    first: Literal["judged", "teacher"] = Field("judged", description="what stands first in the ranking")
    redraw: bool = Field(False, description="draw anew each epoch (ours) in place of once")

    @model_validator(mode="after")
    def _two(self) -> "GradedSpec":
        if self.top + self.hard + self.remaining < 2:
            raise ValueError("top + hard + remaining must be 2 or more")
        if isinstance(self.cut, int) and self.cut <= self.top:
            raise ValueError(f"cut must be a rank after the top group, above {self.top}")
        return self


def _form(value: Any) -> str:
    """The form in which lists are written, so that a mistake is reported for this form and not for the others."""
    return "several" if isinstance(value, list) else "graded" if isinstance(value, dict | GradedSpec) else "plain"


One = Annotated[Annotated[Literal["plain"], Tag("plain")] | Annotated[GradedSpec, Tag("graded")], Discriminator(_form)]
ListsSpec = Annotated[
    Annotated[Literal["plain"], Tag("plain")]
    | Annotated[GradedSpec, Tag("graded")]
    | Annotated[list[One], Tag("several"), Field(min_length=1)],
    Discriminator(_form),
]


class Stage(Part):
    """One stage: its lists, objective, learning rate and epochs; optimiser and schedule begin anew.

    The recipe's ``training`` says learning rate, epochs and warm-up of the plan's first stage; where stages have their
    own, the later ones keep their ratio to the first.
    """

    lists: ListsSpec = Field(
        "plain", description="plain (training.candidates_per_query and sample), {top, hard, remaining}, or several"
    )
    objective: Annotated[Any, InForm("objective", null=True)] = Field(
        None, description="what is compared in this stage; null: the method's"
    )
    learning_rate: float | None = Field(None, gt=0, description="null: training.learning_rate")
    epochs: float | None = Field(None, gt=0, le=1e6, description="null: training.epochs")
    warmup: float | None = Field(None, ge=0, le=1, description="null: training.warmup")
    mine: bool = Field(False, description="mine and score anew with the student so far before this stage (ours)")

    restart: bool = Field(
        False,
        description="start from the student as it was before the first stage, not from the last one's",
    )

    def samplers(self, training: TrainingSettings) -> tuple[ListSampler, ...]:
        """The list samplers of this stage."""
        specs = self.lists if isinstance(self.lists, list) else [self.lists]
        return tuple(
            PlainLists(training.candidates_per_query, training.sample)
            if isinstance(spec, str)
            else GradedLists(**spec.model_dump(), spare=training.mask_positives)
            for spec in specs
        )
