"""A recipe's ``student.documents``: what stays of the documents, and how queries come to its width."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from distillir.encoding.model_spec import ModelSpec
from distillir.specs.part import Part, Word
from distillir.specs.schema import AlsoAs

#: Kinds of model whose documents are kept, and the field of each.
MODELS = {"dense": "dense", "multi-vector": "multi_vector", "sparse": "sparse"}

_Named = Annotated[ModelSpec, AlsoAs({"type": "string"})]


class DocumentsSpec(Part):
    """Documents that stay: what a model made of them, or vectors made elsewhere."""

    dense: _Named | None = Field(None, description="the documents' model: a name, or a mapping as of a dense source")
    multi_vector: _Named | None = Field(
        None,
        alias="multi-vector",
        description="of late-interaction students: the model whose token vectors are kept, in the same form",
    )
    sparse: _Named | None = Field(
        None, description="of sparse students: the model whose weights of words are kept, in the same form"
    )
    vectors: Word | None = Field(
        None, description="vectors made elsewhere: a folder of .npy or .parquet files, or one such file"
    )
    ids: Word | None = Field(None, description="of vectors: a file with the id of each vector's document, a line each")
    similarity: Literal["cosine", "dot"] | None = Field(
        None, description="of vectors made elsewhere; null: cosine (a model says itself)"
    )
    stored: Literal["float32", "float16", "int8"] = Field(
        "float32", description="of a model: form on disk of what it made of documents, as of a source"
    )
    projection: Literal["auto", "least-squares", "random", "none"] = Field(
        "auto",
        description="a layer at the end of the query encoder that leads to the documents' vectors; auto: none where "
        "the student is the documents' own model or fits them as well without, else least-squares (ours): the best "
        "linear map of the student's vectors before training",
    )

    @field_validator("dense", "multi_vector", "sparse", mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> "DocumentsSpec":
        named = [kind for kind, field in MODELS.items() if getattr(self, field) is not None]
        if len(named) + (self.vectors is not None) != 1:
            raise ValueError("name a model (dense: model) or vectors (vectors: folder, ids: file), one of the two")
        if self.stored != "float32" and not named:
            raise ValueError("stored is for what a model made of documents: take it out")
        if self.stored == "int8" and self.sparse is not None:
            raise ValueError("weights of words are stored as float32 or float16: write one of these")
        if named and (self.ids is not None or self.similarity is not None):
            raise ValueError("ids and similarity are for vectors made elsewhere: take them out")
        if self.sparse is not None and self.projection not in ("auto", "none"):
            raise ValueError("a weight is of a word, which no projection leads to another: take projection out")
        return self

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Models of other kinds than dense, and float32, are left out: earlier recipes had no word for them."""
        found: dict[str, Any] = write(self)
        later = {name for kind, field in MODELS.items() if kind != "dense" for name in (kind, field)}
        found = {name: value for name, value in found.items() if name not in later or value is not None}
        if self.stored == "float32":
            found.pop("stored", None)
        return found

    @property
    def kind(self) -> str:
        """The kind of student that keeps such documents."""
        return next((kind for kind, field in MODELS.items() if getattr(self, field) is not None), "dense")

    @property
    def encoder(self) -> ModelSpec | None:
        """The documents' model; None of vectors made elsewhere."""
        found: ModelSpec | None = getattr(self, MODELS[self.kind])
        return found
