"""A recipe's ``student.documents``: the document vectors that stay, and how queries come to their width."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from distillir.encoding.model_spec import ModelSpec
from distillir.specs.part import Part, Word
from distillir.specs.schema import AlsoAs

#: Kinds of documents' encodings that cannot be kept, and what that would need.
_OTHERS = {
    "multi-vector": "token vectors of documents, which vary in number, would have to be read by row from their "
    "segments and compared by MaxSim",
    "sparse": "documents' weights of words would have to be read by row and multiplied without their zeros",
}


class DocumentsSpec(Part):
    """Document vectors that stay: those of a model, or vectors made elsewhere."""

    dense: Annotated[ModelSpec, AlsoAs({"type": "string"})] | None = Field(
        None, description="the documents' model: a name, or a mapping as of a dense source"
    )
    vectors: Word | None = Field(
        None, description="vectors made elsewhere: a folder of .npy or .parquet files, or one such file"
    )
    ids: Word | None = Field(None, description="of vectors: a file with the id of each vector's document, a line each")
    similarity: Literal["cosine", "dot"] | None = Field(
        None, description="of vectors made elsewhere; null: cosine (a model says itself)"
    )
    projection: Literal["auto", "least-squares", "random", "none"] = Field(
        "auto",
        description="a layer at the end of the query encoder that leads to the documents' vectors; auto: none where "
        "the student is the documents' own model or fits them as well without, else least-squares (ours): the best "
        "linear map of the student's vectors before training",
    )

    @model_validator(mode="before")
    @classmethod
    def _kinds(cls, value: Any) -> Any:
        for kind, needs in _OTHERS.items() if isinstance(value, dict) else ():
            if kind in value:
                raise ValueError(f"documents of {kind} models are not kept: {needs}; write {{dense: model}}")
        return value

    @field_validator("dense", mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> "DocumentsSpec":
        if (self.dense is None) == (self.vectors is None):
            raise ValueError("name a model (dense: model) or vectors (vectors: folder, ids: file), one of the two")
        if self.dense is not None and (self.ids is not None or self.similarity is not None):
            raise ValueError("ids and similarity are for vectors made elsewhere: take them out")
        return self
