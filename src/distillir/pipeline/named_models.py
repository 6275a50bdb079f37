"""The models that a recipe names beside the student: refused before anything is mined where they are no such thing."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import xxhash

from distillir.base.errors import DistillirError
from distillir.base.processes import barrier
from distillir.base.progress import say
from distillir.composition.compose import compose
from distillir.encoding.identity import built_in_prompt, check_own_code, resolved_prompts
from distillir.encoding.model_files import check_kind
from distillir.encoding.model_options import SIDES, ModelOptions
from distillir.encoding.prompt_families import expected_prompts, prompts_told
from distillir.language_models.generator import load_generator
from distillir.language_models.spec import read_generator_spec
from distillir.pipeline.run_folder import RunFolder
from distillir.recipe import Recipe
from distillir.retrieval.sources import MODEL_SOURCES, read_sources
from distillir.teachers.cross_encoders.load import check_cross_encoder
from distillir.teachers.language_models.kinds import asker_of, asks
from distillir.teachers.members import members


@dataclass(frozen=True)
class NamedModel:
    """A model as a recipe names it: the key, its kind, its name and how it is loaded."""

    where: str
    kind: str
    name: str
    options: ModelOptions


def check_named_models(recipe: Recipe) -> None:
    """Look at the files of the models that teach or mine; no weights are loaded.

    A word is said of dense models whose family was trained with prompts, and which get none.

    Raises:
        DistillirError: One is not there, or of another kind, would have to run code of its own that the recipe does not
            allow, or has no prompt of the name that is given; the message names the key.
    """
    student = recipe.student
    sources = [] if recipe.teaching is not None else read_sources(recipe.candidates.from_)
    named = [*_of_sources(sources, "candidates.from"), *_of_teacher(recipe.teacher, "teacher")]
    kept = student.documents
    if kept is not None and kept.encoder is not None:
        named.append(_named(f"student.documents.{kept.kind}", kept.kind, kept.encoder.written()))
    for model in named:
        try:
            if model.kind == "cross-encoder":
                check_cross_encoder(model.name)
            else:
                check_kind(model.name, model.kind)
            check_own_code(model.name, model.options)
            resolved_prompts(model.name, model.options)
        except DistillirError as error:
            raise DistillirError(str(error), where=model.where) from None
    if recipe.queries.generator is not None:
        load_generator(read_generator_spec(recipe.queries.generator, "queries.generator"))
    for signal in compose(recipe).signals:
        signal.check_models(recipe)
    if kept is not None and kept.encoder is not None:
        _say_prompts(named[-1])
    _say_missing_prompts([NamedModel("student", student.own_kind.model_kind, student.model, student.options), *named])


def look_at_models(folder: RunFolder, *, again: bool = False) -> None:
    """`check_named_models` for the models of a run; only ``again`` where it was done with the same settings."""
    settings = json.dumps(folder.asked.resolved(), default=str, sort_keys=True)
    key = xxhash.xxh3_64_hexdigest(settings.encode())
    if again or not folder.facts.hold("models_of", key):
        check_named_models(folder.recipe)
        barrier()
        folder.facts.note(models_of=key)


_MANY = {"query": "queries", "document": "documents"}


def _say_prompts(model: NamedModel) -> None:
    """Say which prompts stand before documents that are kept, and before queries of their own encoder."""
    given = resolved_prompts(model.name, model.options)
    found = {side: given.get(side, built_in_prompt(model.name, side)) for side in SIDES}
    told = [f"{_MANY[side]} with {prompt!r}" for side, prompt in found.items() if prompt]
    if told:
        say(f"{model.where}: {model.name} encodes {' and '.join(told)}")


def _say_missing_prompts(models: list[NamedModel]) -> None:
    for model in models:
        if model.kind == "dense" and not model.options.sides:
            expected = expected_prompts(model.name)
            if expected is not None:
                say(prompts_told(model.name, expected, model.where))


def _of_sources(sources: list[tuple[str, dict[str, Any]]], where: str) -> Iterator[NamedModel]:
    for kind, options in sources:
        if kind in MODEL_SOURCES and options.get("model") is not None:
            yield _named(f"{where}: {kind}", kind, options)
        if options.get("first") not in (None, "index"):
            yield from _of_sources(read_sources(options["first"]), f"{where}: {kind}.first")


def _of_teacher(spec: Any, where: str) -> Iterator[NamedModel]:
    for chosen in members(spec, where):
        if asks(chosen.kind):
            asker_of(chosen.kind, chosen.options, chosen.where)
        if chosen.name in (*MODEL_SOURCES, "cross-encoder"):
            yield _named(chosen.where, chosen.name, chosen.written)


def _named(where: str, kind: str, options: Mapping[str, Any]) -> NamedModel:
    own = ModelOptions.of(options.get("prompts"), bool(options.get("trust_remote_code")))
    return NamedModel(where, kind, str(options["model"]), own)
