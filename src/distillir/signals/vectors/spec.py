"""A recipe's ``method.vectors``: the model whose vectors the student's follow, of which texts, and their weight."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from distillir.base.errors import DistillirError
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.model_spec import Prompts
from distillir.specs.part import Count, Options, Word

#: The sides by the words of recipes, as the encoders call them.
SIDES: dict[str, Literal["query", "document"]] = {"queries": "query", "documents": "document"}

#: Where widths differ: the linear map's folder in a run, and its name in checkpoints.
PROJECTION = "projection"
#: What messages call the signal's place in a recipe.
WHERE = "method.vectors"


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class VectorSpec(Options):
    """Vectors of a dense model beside the lists of any method, or by themselves.

    ``squared`` is LEAF's (arXiv 2509.12539), ``distance`` EmbedDistill's (arXiv 2301.12005); their weights beside other
    parts are not known (reconstruction).
    """

    model: Word | None = Field(
        None, description="a dense model; null: the recipe's teacher, or the dense one of an ensemble"
    )
    of: Annotated[
        list[Literal["queries", "documents"]],
        BeforeValidator(_several, json_schema_input_type=str | list[Literal["queries", "documents"]]),
    ] = Field(["queries", "documents"], min_length=1, description="whose vectors: queries, documents or both")
    loss: Literal["cosine", "squared", "distance"] = Field(
        "cosine",
        description="cosine: 1 - cosine, which knows no lengths; squared: squared Euclidean distance (LEAF); distance: "
        "Euclidean distance (EmbedDistill)",
    )
    documents: Count | None = Field(
        None,
        description="documents that are learnt from where nothing in the recipe needs candidates, evenly spaced in the "
        "corpus; null: all",
    )
    first: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="ours: times that each text is seen in a stage of its own before the method's, of vectors alone: "
        "the training queries and the corpus (or so many documents); null: there is no such stage",
    )
    first_learning_rate: float | None = Field(
        None,
        gt=0,
        description="peak learning rate of that stage; null: 2 x training.learning_rate, with documents kept 10 x",
    )
    weight: float = Field(
        1.0,
        ge=0,
        description="of the queries' mean, and of the documents', beside the objective; 0: learnt from in the first "
        "stage alone",
    )
    width: Count | None = Field(
        None, description="the first so many numbers of the model's vectors (Matryoshka); null: all"
    )
    projection: Literal["fitted", "random"] = Field(
        "fitted",
        description="where widths differ, the linear map that is learnt along; fitted (ours): begins as the best one "
        "for the student as it is (least squares); random: as published",
    )
    max_length: Count | None = Field(None, description="tokens of a text that the model reads; null: its own")
    precision: Literal["auto", "float32", "bf16"] = Field(
        "auto", description="of the model; auto: bf16 where the device computes it in hardware"
    )
    prompts: Prompts | None = Field(None, description="before the texts that the model reads; null: its own")
    trust_remote_code: bool = Field(False, description="let Python code that comes with the model run")

    @model_validator(mode="after")
    def _learnt_from(self) -> "VectorSpec":
        if not self.weight and self.first is None:
            raise ValueError(
                "vectors of weight 0 teach nothing; give them a weight, or a stage of their own (first: 1)"
            )
        if self.first_learning_rate is not None and self.first is None:
            raise ValueError("first_learning_rate is of a stage that is not asked for; write first: 1 too")
        return self

    @property
    def sides(self) -> list[str]:
        """The sides whose vectors are followed, queries first."""
        return [side for side in SIDES if side in self.of]

    @property
    def options(self) -> ModelOptions:
        """Options that the model is loaded with."""
        return ModelOptions.of(self.prompts, self.trust_remote_code)

    def named(self, model: dict[str, Any]) -> "VectorSpec":
        """The same of a model that the recipe names elsewhere, by its options there; own ones stay."""
        given = self.model_dump(exclude_unset=True)
        return VectorSpec(**{**model, **{name: value for name, value in given.items() if value is not None}})

    def too_wide(self, whole: int) -> DistillirError:
        """Make the error for a `width` above the model's."""
        return DistillirError(
            f"{self.width} numbers of a vector are wanted, and those of {self.model} have {whole}",
            where=f"{WHERE}.width",
            remedy=f"choose at most {whole}, or leave it out",
        )

    def form(self) -> dict[str, Any]:
        """The model as a recipe names a teacher."""
        names = ("model", "max_length", "precision", "prompts", "trust_remote_code")
        given = {name: getattr(self, name) for name in names}
        return {"dense": {name: value for name, value in given.items() if value not in (None, False)}}
