"""Sources of candidates as a recipe names them, a kind each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.encoding.model_spec import Prompts
from distillir.retrieval.bm25_spec import BM25Spec, check_bm25
from distillir.retrieval.faiss_strings import check_factory, check_search
from distillir.specs.form import Form
from distillir.specs.kind import OptionKind
from distillir.specs.part import Count, Options, Word
from distillir.specs.registry import Registry
from distillir.specs.schema import InForm

if TYPE_CHECKING:
    from distillir.retrieval.sources import Retriever


@dataclass(frozen=True, kw_only=True)
class SourceKind(OptionKind):
    """A kind of source of candidates.

    Attributes:
        make: ``(options)``: the retriever, which opens its model or index when it is first asked to search.
    """

    make: "Callable[[Any], Retriever]"


class ModelSourceSpec(Options):
    """A model that encodes texts, as a source of candidates."""

    model: Word | None = Field(None, description="folder or hub name; null: the student before training")
    max_length: Count | None = Field(None, description="tokens of a text at most; null: the model's own")
    precision: Literal["auto", "float32", "bf16"] = Field(
        "auto", description="of the model; auto: bf16 where the device computes it in hardware"
    )
    prompts: Prompts | None = Field(None, description="before texts; null: the model's own")
    trust_remote_code: bool = Field(False, description="let Python code that comes with the model run")


class DenseSourceSpec(ModelSourceSpec):
    """Nearest vectors."""

    factory: str = Field("Flat", description="faiss factory string; Flat: exact")
    search: str | None = Field(None, description="faiss search parameters, such as nprobe=16")


class MultiVectorSourceSpec(ModelSourceSpec):
    """Late interaction."""

    first: Annotated[Any, InForm("first stage")] = Field(
        None, description="a source whose candidates are compared; index: its own token vectors'; null: bm25"
    )
    first_depth: Count = Field(1000, description="candidates of the first stage a query")
    probes: Count = Field(16, description="partitions of the index that are looked into, with first: index")


class TrecSourceSpec(Options):
    """Rankings from elsewhere."""

    path: Annotated[str | Path, Field(description="TREC run file")]


#: Sources that are a model: the student, where none is named.
MODEL_SOURCES = ("dense", "multi-vector", "sparse")


def _check_model(name: str, options: ModelSourceSpec, where: str) -> None:
    if options.model is None and options.prompts:
        raise DistillirError(
            f"{name}: the student's prompts stand under student", where=f"{where}.prompts", remedy="leave it out"
        )


def _check_dense(options: DenseSourceSpec, where: str) -> None:
    _check_model("dense", options, where)
    check_factory(options.factory, f"{where}.factory")
    if options.search is not None:
        check_search(options.search, f"{where}.search")


def _check_multi_vector(options: MultiVectorSourceSpec, where: str) -> None:
    """Check also the first stage: ``index``, or another source with a model of its own."""
    _check_model("multi-vector", options, where)
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


def _check_sparse(options: ModelSourceSpec, where: str) -> None:
    _check_model("sparse", options, where)


def _bm25(options: BM25Spec) -> "Retriever":
    from distillir.retrieval.sources import BM25Retriever

    return BM25Retriever(**options.written())


def _dense(options: DenseSourceSpec) -> "Retriever":
    from distillir.retrieval.dense import DenseRetriever

    return DenseRetriever(**options.written())


def _multi_vector(options: MultiVectorSourceSpec) -> "Retriever":
    from distillir.retrieval.multi_vector import MultiVectorRetriever

    return MultiVectorRetriever(**options.written())


def _sparse(options: ModelSourceSpec) -> "Retriever":
    from distillir.retrieval.sparse import SparseRetriever

    return SparseRetriever(**options.written())


def _trec(options: TrecSourceSpec) -> "Retriever":
    from distillir.retrieval.sources import TrecRetriever

    return TrecRetriever(options.path)


_ALL = (
    SourceKind(
        "bm25",
        "BM25 by bm25s; options k1, b, stemmer, stopwords, identifiers (split names in code)",
        BM25Spec,
        check=check_bm25,
        make=_bm25,
    ),
    SourceKind(
        "dense",
        "nearest vectors of a sentence-transformers model, exact or by a faiss factory string; the student before "
        "training where no model is named; options model, max_length, factory, search, precision, prompts, "
        "trust_remote_code",
        DenseSourceSpec,
        "model",
        check=_check_dense,
        make=_dense,
    ),
    SourceKind(
        "multi-vector",
        "late interaction: MaxSim of a MultiVectorEncoder, exhaustive on small corpora, else over a first stage's "
        "candidates (index: its own token vectors'); options model, max_length, first, first_depth, probes, precision, "
        "prompts, trust_remote_code",
        MultiVectorSourceSpec,
        "model",
        check=_check_multi_vector,
        make=_multi_vector,
    ),
    SourceKind(
        "sparse",
        "the inverted index of a SparseEncoder (SPLADE); options model, max_length, precision, prompts, "
        "trust_remote_code",
        ModelSourceSpec,
        "model",
        check=_check_sparse,
        make=_sparse,
    ),
    SourceKind("trec", "a TREC run file from elsewhere; option path", TrecSourceSpec, "path", make=_trec),
)
SOURCES: Registry[SourceKind] = Registry(
    "source of candidates", "distillir.sources", SourceKind, {kind.name: kind for kind in _ALL}
)
FORM = Form(
    "source",
    SOURCES,
    "is no source of candidates",
    "write bm25, dense, {dense: model}, {multi-vector: model}, {sparse: model} or {trec: path}",
    between=": ",
)
