"""Sources of candidates: the forms that a recipe may name, and the retriever made of each."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.retrieval.bm25_settings import BM25Settings
from distillir.retrieval.opened import OpenedRetriever
from distillir.retrieval.own_source import OwnSource
from distillir.retrieval.source_kinds import FORM, SOURCES
from distillir.retrieval.source_kinds import MODEL_SOURCES as MODEL_SOURCES
from distillir.specs.outside_calls import outside_call

if TYPE_CHECKING:
    from distillir.retrieval.bm25 import BM25Index


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

    def opened(self, collection: Collection, first: OpenedRetriever | None = None) -> OpenedRetriever:
        """See `distillir.retrieval.opened.open_retriever`."""
        from distillir.retrieval.bm25 import BM25Index

        return OpenedBM25(self.name, BM25Index.build_or_load(collection, **self.options))

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


class OpenedBM25:
    """An index of BM25 that stays open.

    Args:
        name: For people.
        index: The index.
    """

    def __init__(self, name: str, index: "BM25Index") -> None:
        self.name, self._index = name, index

    def search_text(self, text: str, depth: int) -> tuple[Rows, Scores]:
        """See `distillir.retrieval.opened.OpenedRetriever.search_text`."""
        return self._index.search_text(text, depth)


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


def retriever_kinds() -> dict[str, str]:
    """Every kind of source with a line about it."""
    return SOURCES.descriptions()


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
    chosen = FORM.read(spec, where)
    return chosen.name, chosen.written


def read_sources(sources: Any, where: str = "candidates") -> list[tuple[str, dict[str, Any]]]:
    """Read the kind and options of each source behind a recipe's ``from``, one or several; see `check_source`."""
    several = sources if isinstance(sources, list | tuple) else [sources]
    return [check_source(source, where) for source in several]


def check_name(name: Any, known: Iterable[str], what: str, where: str) -> None:
    """Refuse a name that is not among the known ones, offering the nearest.

    Raises:
        DistillirError: The name is unknown.
    """
    if name not in known:
        raise DistillirError(f"unknown {what} {name!r}", where=where, remedy=nearest(str(name), known))


#: What ranks for a source that names no model though it needs one: a model's folder, or what makes a retriever of the
#: source's options; None: such sources are refused.
DefaultModel = str | Callable[[Any], Retriever] | None


def load_retriever(spec: object, default_model: DefaultModel = None, *, trust_default: bool = False) -> Retriever:
    """Make the retriever a recipe names.

    Args:
        spec: As in `check_source`.
        default_model: The model of a source that names none though it needs one: the student before training; or what
            makes its retriever.
        trust_default: Whether code that comes with that model may run.

    Returns:
        The retriever; it opens its model or index when first asked to search.

    Raises:
        DistillirError: As `check_source`, or a source that is a model, without one.
    """
    chosen = FORM.read(spec, "candidates")
    options = chosen.options
    if chosen.name in MODEL_SOURCES and options.model is None:
        if default_model is None:
            raise DistillirError(f"{chosen.name} candidates without a model", remedy=f"write {{{chosen.name}: model}}")
        if not isinstance(default_model, str):
            return default_model(options)
        own = {"model": default_model, "trust_remote_code": trust_default}
        options = type(options).model_validate({**options.written(), **own})
    if SOURCES.is_own(chosen.name):
        return chosen.kind.make(options)
    with outside_call(chosen.name, "make"):
        made = chosen.kind.make(options)
    return OwnSource(chosen.name, made)
