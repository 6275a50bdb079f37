"""Sources of candidates: the forms that a recipe may name, and the retriever made of each."""

from collections.abc import Callable, Iterable
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.retrieval.own_source import OwnSource
from distillir.retrieval.retriever import Retriever
from distillir.retrieval.source_kinds import FORM, SOURCES
from distillir.retrieval.source_kinds import MODEL_SOURCES as MODEL_SOURCES
from distillir.specs.outside_calls import outside_call


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
