"""The form in which a recipe names a collection, for the schema; `distillir.collections.spec` reads it."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, Field

from distillir.collections.kind import COLLECTIONS
from distillir.specs.part import Options
from distillir.specs.schema import Refer, Schema, kinds_schema

Files = str | list[str]


class _Imported(Options):
    """How a collection is imported."""

    name: str | None = Field(None, description="what it is called; null: its own name")
    empty: Literal["error", "skip"] = Field("error", description="what is done with texts that say nothing")
    unknown: Literal["error", "skip"] = Field(
        "error", description="what is done with judgements of texts that it does not have"
    )
    splits: str | list[str] | None = Field(None, description="the splits that are imported; null: all")


class PlaceSpec(_Imported):
    """A collection, and how it is imported."""

    path: str = Field(description="a folder, stdlib, irds:ID or hf:NAME")


class FilesSpec(_Imported):
    """A collection of single files."""

    documents: Files | None = Field(None, description="file or files of documents: tsv, jsonl, csv, parquet")
    corpus: Files | None = Field(None, description="another word for documents")
    queries: Files | dict[str, str] | None = Field(None, description="file of queries, files, or a file for each split")
    qrels: Files | dict[str, str] | None = Field(
        None, description="file of judgements, files, or a file for each split"
    )


class CollectionForm:
    """A folder or a kind by name, or a mapping of either or of files."""

    def parts(self) -> Iterable[type[BaseModel]]:
        """See `distillir.specs.schema.SchemaForm`."""
        return [PlaceSpec, FilesSpec, *(spec for kind in COLLECTIONS.kinds() for spec in kind.specs)]

    def schema(self, refer: Refer) -> Schema:
        """See `distillir.specs.schema.SchemaForm`."""
        tagged = kinds_schema(COLLECTIONS.kinds(), refer, bare=False)["anyOf"][0]
        named = {"type": "string", "description": "stdlib, irds:ID, hf:NAME, the path of a folder, or module:NAME"}
        return {"anyOf": [named, refer(PlaceSpec), refer(FilesSpec), tagged]}


FORM = CollectionForm()
