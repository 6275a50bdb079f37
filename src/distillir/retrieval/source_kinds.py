"""Sources of candidates as a recipe names them, a kind each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from distillir.base.errors import DistillirError
from distillir.encoding.model_spec import Prompts
from distillir.retrieval.bm25_spec import BM25Spec, check_bm25
from distillir.retrieval.faiss_strings import check_factory, check_search
from distillir.specs.form import Form
from distillir.specs.kind import OptionKind
from distillir.specs.part import Count, Options, Word
from distillir.specs.registry import Registry

if TYPE_CHECKING:
    from distillir.retrieval.retriever import Retriever


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
    stored: Literal["float32", "float16", "int8"] = Field(
        "float32", description="form of the documents' vectors on disk; a narrower one is all there is of them"
    )
    scan: Literal["float16", "int8"] | None = Field(
        None, description="form of a copy that is searched in place of the vectors, which score what it finds"
    )
    rescore: Count | None = Field(
        None,
        description="the copy, or the index of a factory, is searched so many times as deep, and the vectors order "
        "what it finds; null: 4 times with a copy, not at all with a factory",
    )


class SparseSourceSpec(ModelSourceSpec):
    """An inverted index of weights of words."""

    stored: Literal["float32", "float16"] = Field("float32", description="form of the documents' weights on disk")


class TrecSourceSpec(Options):
    """Rankings from elsewhere."""

    path: Annotated[str | Path, Field(description="TREC run file")]


#: Sources that are a model: the student, where none is named.
MODEL_SOURCES = ("dense", "multi-vector", "sparse")


def check_student_prompts(name: str, options: ModelSourceSpec, where: str) -> None:
    """Refuse prompts of a source that stands for the student.

    Raises:
        DistillirError: There are some.
    """
    if options.model is None and options.prompts:
        raise DistillirError(
            f"{name}: the student's prompts stand under student", where=f"{where}.prompts", remedy="leave it out"
        )


def _check_dense(options: DenseSourceSpec, where: str) -> None:
    check_student_prompts("dense", options, where)
    check_factory(options.factory, f"{where}.factory")
    if options.search is not None:
        check_search(options.search, f"{where}.search")
    check_scan(options.factory, options.stored, options.scan, options.rescore, where)


def check_scan(factory: str, stored: str, scan: str | None, rescore: int | None, where: str) -> None:
    """Refuse a narrow copy, or scoring anew, where it changes nothing.

    Raises:
        DistillirError: There is a copy beside a factory, one as wide as the vectors, or nothing to score anew.
    """
    if scan is not None and factory != "Flat":
        raise DistillirError("scan and factory are two ways to search: one of the two", where=f"{where}.scan")
    if scan is not None and (stored == scan or stored == "int8"):
        raise DistillirError(
            f"a copy as {scan} of vectors that are stored as {stored}",
            where=f"{where}.scan",
            remedy="leave scan out, or store them wider",
        )
    if rescore is not None and scan is None and factory == "Flat":
        raise DistillirError(
            "the search of all vectors is exact: there is nothing to score anew",
            where=f"{where}.rescore",
            remedy="leave it out, or name scan: int8 or a factory",
        )


def _check_sparse(options: SparseSourceSpec, where: str) -> None:
    check_student_prompts("sparse", options, where)


def _bm25(options: BM25Spec) -> "Retriever":
    from distillir.retrieval.bm25_retriever import BM25Retriever

    return BM25Retriever(**options.written())


def _dense(options: DenseSourceSpec) -> "Retriever":
    from distillir.retrieval.dense import DenseRetriever

    return DenseRetriever(**options.written())


def _sparse(options: SparseSourceSpec) -> "Retriever":
    from distillir.retrieval.sparse import SparseRetriever

    return SparseRetriever(**options.written())


def _trec(options: TrecSourceSpec) -> "Retriever":
    from distillir.retrieval.trec_retriever import TrecRetriever

    return TrecRetriever(options.path)


BM25 = SourceKind(
    "bm25",
    "BM25 by bm25s; options k1, b, stemmer, stopwords, identifiers (split names in code)",
    BM25Spec,
    check=check_bm25,
    make=_bm25,
)
DENSE = SourceKind(
    "dense",
    "nearest vectors of a sentence-transformers model, exact or by a faiss factory string; the student before "
    "training where no model is named; options model, max_length, factory, search, precision, prompts, "
    "trust_remote_code, stored, scan, rescore",
    DenseSourceSpec,
    "model",
    check=_check_dense,
    make=_dense,
)
SPARSE = SourceKind(
    "sparse",
    "the inverted index of a SparseEncoder (SPLADE); options model, max_length, precision, prompts, "
    "trust_remote_code, stored",
    SparseSourceSpec,
    "model",
    check=_check_sparse,
    make=_sparse,
)
TREC = SourceKind("trec", "a TREC run file from elsewhere; option path", TrecSourceSpec, "path", make=_trec)

SOURCES: Registry[SourceKind] = Registry(
    "source of candidates",
    "distillir.sources",
    SourceKind,
    {
        "bm25": BM25,
        "dense": DENSE,
        # Named and not imported: its first stage is another source, which it looks up here.
        "multi-vector": "distillir.retrieval.multi_vector_kind:MULTI_VECTOR",
        "sparse": SPARSE,
        "trec": TREC,
    },
)
FORM = Form(
    "source",
    SOURCES,
    "is no source of candidates",
    "write bm25, dense, {dense: model}, {multi-vector: model}, {sparse: model} or {trec: path}",
    between=": ",
)
