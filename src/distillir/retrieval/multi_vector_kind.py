"""Late interaction as a recipe names it for a source of candidates, and its first stage, which is another source."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.retrieval.source_kinds import (
    FORM,
    MODEL_SOURCES,
    SOURCES,
    ModelSourceSpec,
    SourceKind,
    check_student_prompts,
)
from distillir.specs.part import Count
from distillir.specs.schema import InForm

if TYPE_CHECKING:
    from distillir.retrieval.retriever import Retriever


class MultiVectorSourceSpec(ModelSourceSpec):
    """Late interaction."""

    first: Annotated[Any, InForm("first stage")] = Field(
        None, description="a source whose candidates are compared; index: its own token vectors'; null: bm25"
    )
    first_depth: Count = Field(1000, description="candidates of the first stage a query")
    probes: Count = Field(16, description="partitions of the index that are looked into, with first: index")
    stored: Literal["float32", "float16", "int8"] = Field(
        "float32", description="form of the documents' token vectors on disk; they are compared as float32"
    )


def _check_multi_vector(options: MultiVectorSourceSpec, where: str) -> None:
    """Check also the first stage: ``index``, or another source with a model of its own."""
    check_student_prompts("multi-vector", options, where)
    first, where = options.first, f"{where}.first"
    if "probes" in options.model_fields_set and first != "index":
        raise DistillirError("probes without an index", where=where, remedy="write first: index, or leave probes out")
    if first in (None, "index"):
        return
    if isinstance(first, str) and not SOURCES.knows(first):
        known = ["index", *SOURCES.names()]
        raise DistillirError(f"unknown first stage {first!r}", where=where, remedy=nearest(first, known))
    chosen = FORM.read(first, where)
    if chosen.name in MODEL_SOURCES and chosen.options.model is None:
        remedy = f"write first: {{{chosen.name}: model}}"
        raise DistillirError(f"{chosen.name} without a model", where=where, remedy=remedy)


def _multi_vector(options: MultiVectorSourceSpec) -> "Retriever":
    from distillir.retrieval.multi_vector import MultiVectorRetriever

    return MultiVectorRetriever(**options.written())


MULTI_VECTOR = SourceKind(
    "multi-vector",
    "late interaction: MaxSim of a MultiVectorEncoder, exhaustive on small corpora, else over a first stage's "
    "candidates (index: its own token vectors'); options model, max_length, first, first_depth, probes, precision, "
    "prompts, trust_remote_code, stored",
    MultiVectorSourceSpec,
    "model",
    check=_check_multi_vector,
    make=_multi_vector,
)
