"""The models of a recipe that read texts, and how much of each text they read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.composition.compose import compose
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.text_limits import text_limits
from distillir.language_models.document_room import DocumentRoom, asker_room, generator_room
from distillir.language_models.spec import read_generator_spec
from distillir.recipe import Recipe
from distillir.retrieval.sources import MODEL_SOURCES, read_sources
from distillir.specs.form import Chosen
from distillir.teachers.cross_encoders.pair_text import PairText
from distillir.teachers.language_models.kinds import asker_of, asks
from distillir.teachers.members import members
from distillir.teachers.pairwise_kinds import FORM as PAIRWISE_FORM
from distillir.teachers.pairwise_kinds import DifferenceSpec, PairwiseModelSpec


@dataclass(frozen=True)
class Reader:
    """A model that reads the beginning of texts.

    Attributes:
        where: Its key in the recipe.
        name: The model's.
        reads: What it reads, in words: ``the first 256 tokens``.
        document: Tokens of a document's own text, or words without a tokenizer; None: all.
        query: The same of a query.
        tokenizer: The model's, or None.
        shared: Whether ``document`` is for query and document together, as a cross-encoder reads them.
    """

    where: str
    name: str
    reads: str
    document: int | None
    query: int | None = None
    tokenizer: Any = None
    shared: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """The same for readers that read the same of each text."""
        return self.name, self.document, self.query, self.shared


def readers(recipe: Recipe) -> list[Reader]:
    """Every model that a run of the recipe would give texts to, by tokenizers and configurations alone.

    One whose files do not say how much it reads is named in a line, and passed over.
    """
    return _readable(_named(recipe))


Make = Callable[[str], Reader]


def teacher_in_training(
    base: str, max_length: int, *, pairwise: bool = False, trust_remote_code: bool = False
) -> list[Reader]:
    """The cross-encoder that ``train-teacher`` makes of a base model, as it reads pairs; see `readers`."""
    options = {"model": base, "max_length": max_length, "trust_remote_code": trust_remote_code}
    make = _pairwise_cross_encoder(options) if pairwise else _encoder("cross-encoder", options)
    return _readable([("--max-length", make)])


def _readable(named: Iterable[tuple[str, Make]]) -> list[Reader]:
    found = []
    for where, make in named:
        try:
            found.append(make(where))
        except DistillirError as error:
            say(f"{where}: how much of a text it reads is not known before it is loaded ({error})")
    return [reader for reader in found if reader.document is not None or reader.query is not None]


def _named(recipe: Recipe) -> Iterator[tuple[str, Make]]:
    student, training = recipe.student, recipe.training
    spec = {"model": student.model, "max_length": student.max_length}
    kind = student.own_kind.model_kind
    reading, kept = _encoder(kind, spec, student.options), student.documents
    yield "student", reading if kept is None else _of_queries(reading)
    if kept is not None:
        if kept.encoder is not None:
            yield f"student.documents.{kept.kind}", _encoder(kept.kind, kept.encoder.written())
    elif training.max_length is not None and training.max_length < (student.max_length or 10**9):
        yield (
            "training.max_length",
            _encoder(kind, {**spec, "max_length": training.max_length}, student.options),
        )
    if recipe.queries.generator is not None:
        generator = read_generator_spec(recipe.queries.generator, "queries.generator")
        yield "queries.generator", lambda where: _language_model(where, generator.model, generator_room(generator))
    if recipe.teaching is None:
        yield from _of_sources(read_sources(recipe.candidates.from_), "candidates.from")
        yield from _of_teacher(recipe.teacher, "teacher")
    for signal in compose(recipe).signals:
        for where, spec, pairwise in signal.teachers():
            yield from (_of_pairwise if pairwise else _of_teacher)(spec, where)


def _of_sources(sources: list[tuple[str, dict[str, Any]]], where: str) -> Iterator[tuple[str, Make]]:
    for kind, options in sources:
        if kind in MODEL_SOURCES and options.get("model") is not None:
            yield f"{where}: {kind}", _encoder(kind, options)
        if options.get("first") not in (None, "index"):
            yield from _of_sources(read_sources(options["first"]), f"{where}: {kind}.first")


def _of_teacher(spec: Any, where: str) -> Iterator[tuple[str, Make]]:
    for chosen in members(spec, where):
        if asks(chosen.kind):
            yield chosen.where, _asker(chosen)
        elif chosen.name in (*MODEL_SOURCES, "cross-encoder"):
            yield chosen.where, _encoder(chosen.name, chosen.written)


def _of_pairwise(spec: Mapping[str, Any], where: str) -> Iterator[tuple[str, Make]]:
    chosen = PAIRWISE_FORM.read(spec, where)
    if isinstance(chosen.options, DifferenceSpec):
        yield from _of_teacher(chosen.options.teacher, f"{chosen.where}.teacher")
    elif asks(chosen.kind):
        yield chosen.where, _asker(chosen)
    elif isinstance(chosen.options, PairwiseModelSpec):
        yield chosen.where, _pairwise_cross_encoder(chosen.written)


def _encoder(kind: str, options: Mapping[str, Any], own: ModelOptions | None = None) -> Make:
    def make(where: str) -> Reader:
        loading = own or ModelOptions.of(options.get("prompts"), bool(options.get("trust_remote_code")))
        limits = text_limits(options["model"], kind, max_length=options.get("max_length"), options=loading)
        shared = kind == "cross-encoder"
        reads = f"the first {limits.tokens} tokens" + (" of query and document together" if shared else "")
        name = Path(str(options["model"])).name
        return Reader(where, name, reads, limits.document, limits.query, limits.tokenizer, shared)

    return make


def _of_queries(make: Make) -> Make:
    """The same of a model that reads queries alone."""
    return lambda where: replace(make(where), document=None)


def _pairwise_cross_encoder(options: Mapping[str, Any]) -> Make:
    def make(where: str) -> Reader:
        loading = ModelOptions(trust_remote_code=bool(options.get("trust_remote_code")))
        limits = text_limits(options["model"], "cross-encoder", max_length=options.get("max_length"), options=loading)
        name = Path(str(options["model"])).name
        if limits.tokens is None:
            return Reader(where, name, "everything", None)
        text = PairText(limits.tokenizer, limits.tokens)
        reads = f"the first {text.document_tokens} tokens of each of two documents"
        return Reader(where, name, reads, text.document_tokens, text.query_tokens, limits.tokenizer)

    return make


def _asker(chosen: Chosen[Any]) -> Make:
    def make(where: str) -> Reader:
        asker = asker_of(chosen.kind, chosen.options, where)
        return _language_model(where, asker.name, asker_room(asker))

    return make


def _language_model(where: str, name: str, room: DocumentRoom) -> Reader:
    unit = "words" if room.tokenizer is None else "tokens"
    return Reader(
        where, Path(name).name, f"the first {room.document} {unit}", room.document, room.query, room.tokenizer
    )
