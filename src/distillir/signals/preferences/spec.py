"""A recipe's ``method.pairs``: the pairwise teacher, the pairs it is asked about, and their weight."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from distillir.base.errors import DistillirError
from distillir.specs.part import Part
from distillir.specs.schema import InForm

if TYPE_CHECKING:
    from distillir.students.kind import StudentKind

#: Of pairs that an instruction model is asked about (MiuLab/PairDistill run_rerank.sh, FiQA).
PROMPTED = {"per_query": 128, "depth": 64}
#: Weights of `pair_kl` by kind of student, where it is another than for dense ones.
PUBLISHED = {"multi-vector": 3.0}


class SamplingSpec(Part):
    """The pairs that are asked about. The defaults are PairDistill's (MiuLab/PairDistill)."""

    per_query: int = Field(8, ge=1, description="pairs of each query; 8 is of its run over MS MARCO, 128 of prompts")
    distance: int | None = Field(
        None, ge=1, description="ranks of the pointwise order between the two at most; null: the teacher's (5 as duoT5)"
    )
    depth: int = Field(
        100, ge=2, description="pairs are of the pointwise teacher's best so many candidates; 64 of prompts"
    )
    choice: Literal["random", "near_ties", "disagreement"] = Field(
        "random",
        description="random, as published; near_ties (ours): where the pointwise scores lie closest; disagreement "
        "(ours): where the student that mined is surest of the other order",
    )
    both_orders: bool = Field(
        False, description="ask in both orders and average (ours): twice the calls, no preference for a position"
    )


class PairSpec(SamplingSpec):
    """Pairs as a recipe asks for them."""

    teacher: Annotated[Any, InForm("pairwise teacher")] = Field(
        description="the pairwise teacher: {cross-encoder: folder of train-teacher --pairwise}"
    )
    documents: Literal["first", "as_chosen"] = Field(
        "first",
        description="first, as published: the documents of pairs come first into an example's list; as_chosen (ours): "
        "lists are those of the method, and pairs are learnt where a list holds both",
    )
    dark: int = Field(
        0,
        ge=0,
        description="pairs of each query among its positive and its dark examples (ours; needs method.dark; chosen at "
        "random, or near ties)",
    )
    weight: float | None = Field(
        None,
        gt=0,
        description="of pair_kl beside the objective; null: 3 for multi-vector students, else 6 in pairdistill, as "
        "published, and 1 beside other methods",
    )
    student_temperature: float | None = Field(
        None, gt=0, description="of pair_kl; null: 0.05 for dense students (cosines), else 1"
    )

    @model_validator(mode="after")
    def _as_asked(self) -> "PairSpec":
        """Fill in, where the recipe is silent, the number of pairs that the authors ask this kind of teacher about."""
        if isinstance(self.teacher, dict) and "prompt" in self.teacher:
            for name, value in PROMPTED.items():
                if name not in self.model_fields_set:
                    setattr(self, name, value)
        return self

    @field_validator("teacher")
    @classmethod
    def _known(cls, value: Any) -> Any:
        from distillir.teachers.load_pairwise import validate_pairwise_spec

        try:
            validate_pairwise_spec(value, "method.pairs.teacher")
        except DistillirError as error:
            raise ValueError(str(error)) from None
        return value

    def sampling(self) -> SamplingSpec:
        """The part that decides which pairs there are."""
        return SamplingSpec(**self.model_dump(include=set(SamplingSpec.model_fields)))

    def part(self, kind: "StudentKind", published: bool) -> dict[str, dict[str, float]]:
        """The part of the objective, for a kind of student; ``published``: beside PairDistill's own objective."""
        weight = self.weight or PUBLISHED.get(kind.name, 6.0 if published else 1.0)
        temperature = self.student_temperature or (0.05 if kind.cosine_scale else 1.0)
        return {"pair_kl": {"weight": weight, "student_temperature": temperature}}
