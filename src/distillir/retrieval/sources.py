"""Sources of candidates: the forms that a recipe may name, and the retriever made of each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.encoding.model_options import check_prompts
from distillir.retrieval.bm25_settings import BM25Settings
from distillir.retrieval.faiss_strings import check_factory, check_search
from distillir.retrieval.run import Run


class Retriever(Protocol):
    """Anything that ranks a corpus for queries; `tell_found_nothing` knows what else one may have.

    Attributes:
        name: Short, for run names and people.
    """

    name: str

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """Rank at most ``depth`` documents of the corpus for each of the query rows [Q]."""


class BM25Retriever:
    """BM25 with an index built once per corpus; options as in `BM25Index.build_or_load`."""

    name = "bm25"

    def __init__(self, **options: Any) -> None:
        self.options = options

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """See `Retriever`."""
        from distillir.retrieval.bm25 import BM25Index

        return BM25Index.build_or_load(collection, **self.options).search(query_rows, depth, self.name)

    def why_nothing(self, collection: Collection, query_rows: Rows) -> str:
        """The likely reason why no query has a document."""
        from distillir.retrieval.found_nothing import different_scripts

        settings = BM25Settings(**self.options)
        tokenizer = settings.for_queries(settings.tokenizer())
        texts = collection.queries.texts(query_rows.tolist())
        if not any(tokenizer.streaming_tokenize(texts, update_vocab=True, allow_empty=False)):
            return f"they hold nothing but single letters, signs and stop words (stopwords: {settings.stopwords})"
        different = different_scripts(collection, query_rows)
        return different or "no word of theirs is in the documents; are these of the same language?"


class TrecRetriever:
    """Rankings from elsewhere: a TREC run file; queries it lacks get an empty list."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = self.path.name

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """See `Retriever`."""
        from distillir.retrieval.trec import read_run

        return read_run(self.path, collection).select(query_rows).top(depth)

    def why_nothing(self, collection: Collection, query_rows: Rows) -> str:
        """The likely reason why no query has a document."""
        return f"{self.path} has no line for one of them; is it of another split?"


def _dense(**options: Any) -> Retriever:
    from distillir.retrieval.dense import DenseRetriever

    return DenseRetriever(**options)


def _multi_vector(**options: Any) -> Retriever:
    from distillir.retrieval.multi_vector import MultiVectorRetriever

    return MultiVectorRetriever(**options)


def _sparse(**options: Any) -> Retriever:
    from distillir.retrieval.sparse import SparseRetriever

    return SparseRetriever(**options)


@dataclass(frozen=True)
class _Kind:
    """A kind of source: a line about it, how it is made, its options, and the option that a bare value gives."""

    about: str
    make: Callable[..., Retriever]
    options: Mapping[str, tuple[type, ...]]
    main: str | None = None


_NONE, _NUMBER, _TEXT = type(None), (int, float), (str, type(None))
_MODEL: dict[str, tuple[type, ...]] = {
    "model": _TEXT,
    "max_length": (int, _NONE),
    "precision": (str,),
    "prompts": (dict, _NONE),
    "trust_remote_code": (bool,),
}
_KINDS = {
    "bm25": _Kind(
        "BM25 by bm25s; options k1, b, stemmer, stopwords, identifiers (split names in code)",
        BM25Retriever,
        {"k1": _NUMBER, "b": _NUMBER, "stemmer": _TEXT, "stopwords": _TEXT, "identifiers": (bool,)},
    ),
    "dense": _Kind(
        "nearest vectors of a sentence-transformers model, exact or by a faiss factory string; the student before "
        "training where no model is named; options model, max_length, factory, search, precision, prompts, "
        "trust_remote_code",
        _dense,
        {**_MODEL, "factory": (str,), "search": _TEXT},
        "model",
    ),
    "multi-vector": _Kind(
        "late interaction: MaxSim of a MultiVectorEncoder, exhaustive on small corpora, else over a first stage's "
        "candidates (index: its own token vectors'); options model, max_length, first, first_depth, probes, precision, "
        "prompts, trust_remote_code",
        _multi_vector,
        {
            **_MODEL,
            "first": (str, dict, _NONE),
            "first_depth": (int,),
            "probes": (int,),
        },
        "model",
    ),
    "sparse": _Kind(
        "the inverted index of a SparseEncoder (SPLADE); options model, max_length, precision, prompts, "
        "trust_remote_code",
        _sparse,
        _MODEL,
        "model",
    ),
    "trec": _Kind("a TREC run file from elsewhere; option path", TrecRetriever, {"path": (str, Path)}, "path"),
}


def retriever_kinds() -> dict[str, str]:
    """Every kind of source with a line about it."""
    return {name: kind.about for name, kind in _KINDS.items()}


def check_source(spec: object, where: str = "candidates") -> tuple[str, dict[str, Any]]:
    """Check the form of one source and bring it to (kind, options); nothing is opened.

    Args:
        spec: ``bm25``, ``dense``, ``{bm25: {k1: 1.2}}``, ``{dense: model}``, ``{dense: {model: ..., factory: ...}}``
            or ``{trec: path}``.
        where: What the message calls the place.

    Returns:
        The kind's name and its options.

    Raises:
        DistillirError: Another form, an unknown kind or option (with the nearest known), or a value of another type.
    """
    if isinstance(spec, Mapping) and len(spec) == 1:
        name, value = next(iter(spec.items()))
    else:
        name, value = spec, None
    if not isinstance(name, str):
        raise DistillirError(
            f"{spec!r} is no source of candidates",
            where=where,
            remedy="write bm25, dense, {dense: model}, {multi-vector: model}, {sparse: model} or {trec: path}",
        )
    check_name(name, _KINDS, "source of candidates", where)
    kind = _KINDS[name]
    options = dict(value) if isinstance(value, Mapping) else {} if value is None else {kind.main or name: value}
    for key, content in options.items():
        check_name(key, kind.options, f"option of {name}", where)
        if not isinstance(content, kind.options[key]) or (isinstance(content, bool) and bool not in kind.options[key]):
            known = " or ".join("null" if t is _NONE else t.__name__ for t in kind.options[key])
            raise DistillirError(f"{name}: {key} is {content!r}", where=where, remedy=f"give {known}")
        if type(content) is int and int in kind.options[key] and float not in kind.options[key] and content < 1:
            raise DistillirError(f"{name}: {key} is {content}", where=where, remedy="give a whole number above 0")
    check_prompts(options.get("prompts"), f"{where}: {name}.prompts")
    if name in MODEL_SOURCES and options.get("model") is None and options.get("prompts"):
        raise DistillirError(
            f"{name}: the student's prompts stand under student",
            where=f"{where}: {name}.prompts",
            remedy="leave it out",
        )
    if name == "trec" and "path" not in options:
        raise DistillirError("trec without a file", where=where, remedy="write {trec: path/to/run.trec}")
    if name == "bm25":
        BM25Settings(**options).check(where)
    if name == "dense":
        check_factory(options.get("factory", "Flat"), f"{where}: dense.factory")
        if options.get("search") is not None:
            check_search(options["search"], f"{where}: dense.search")
    if name == "multi-vector":
        _check_first(options, f"{where}: multi-vector.first")
    return name, options


def read_sources(sources: Any, where: str = "candidates") -> list[tuple[str, dict[str, Any]]]:
    """Read the kind and options of each source behind a recipe's ``from``, one or several; see `check_source`."""
    several = sources if isinstance(sources, list | tuple) else [sources]
    return [check_source(source, where) for source in several]


#: Sources that are a model: the student, where none is named.
MODEL_SOURCES = ("dense", "multi-vector", "sparse")


def _check_first(options: Mapping[str, Any], where: str) -> None:
    """Check the first stage of late interaction: ``index``, or another source with a model of its own."""
    first = options.get("first")
    if "probes" in options and first != "index":
        raise DistillirError("probes without an index", where=where, remedy="write first: index, or leave probes out")
    if first in (None, "index"):
        return
    if isinstance(first, str) and first not in _KINDS:
        raise DistillirError(f"unknown first stage {first!r}", where=where, remedy=nearest(first, ["index", *_KINDS]))
    name, own = check_source(first, where)
    if name in MODEL_SOURCES and own.get("model") is None:
        raise DistillirError(f"{name} without a model", where=where, remedy=f"write first: {{{name}: model}}")


def check_name(name: Any, known: Iterable[str], what: str, where: str) -> None:
    """Refuse a name that is not among the known ones, offering the nearest.

    Raises:
        DistillirError: The name is unknown.
    """
    if name not in known:
        raise DistillirError(f"unknown {what} {name!r}", where=where, remedy=nearest(str(name), known))


def load_retriever(spec: object, default_model: str | None = None, *, trust_default: bool = False) -> Retriever:
    """Make the retriever a recipe names.

    Args:
        spec: As in `check_source`.
        default_model: The model of a source that names none though it needs one: the student before training.
        trust_default: Whether code that comes with that model may run.

    Returns:
        The retriever; it opens its model or index when first asked to search.

    Raises:
        DistillirError: As `check_source`, or a source that is a model, without one.
    """
    name, options = check_source(spec)
    if name in MODEL_SOURCES and options.get("model") is None:
        if default_model is None:
            raise DistillirError(f"{name} candidates without a model", remedy=f"write {{{name}: model}}")
        options |= {"model": default_model, "trust_remote_code": trust_default}
    return _KINDS[name].make(**options)
