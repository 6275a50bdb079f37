"""``encode``: texts that a run will read, encoded into the stores of the cache before a stage asks for them."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.encoding.model_options import ModelOptions
from distillir.pipeline.queries import evaluation_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.shards.answers import WHOLE, asked_about, teachers_within
from distillir.pipeline.shards.encodings import (
    Encoding,
    encode_all,
    encodings_of_table,
    encodings_to_mine,
    encodings_to_score,
    own_encoder,
)
from distillir.pipeline.shards.open_shard import open_shard
from distillir.pipeline.shards.share import Share
from distillir.recipe import Recipe
from distillir.teachers.encoders.encoder import EncoderTeacher
from distillir.teachers.load import load_teacher


def encode_shard(path: Path, recipe: Recipe, share: Share | None = None, *, anew: bool = False) -> None:
    """Encode a share of what a run reads and is known so far; what is there already is passed over.

    Args:
        path: Folder of the run.
        recipe: What the run is made of.
        share: Which part of the work; None: all of it, waiting for others that are at work on some.
        anew: As in `distillir.pipeline.open_run.open_run`.

    Raises:
        DistillirError: As `open_shard`, nothing in the recipe encodes texts, or a model cannot be loaded.
    """
    with open_shard(path, recipe, "encode", share or WHOLE, anew=anew) as folder:
        found = encodings(folder)
        encoders = teacher_encoders(recipe)
        if not found and not encoders:
            raise DistillirError(
                "there is nothing to encode: no source, teacher or student of the recipe encodes texts by itself",
                where=f"--shard {share}" if share else path,
                remedy="mine and score at once",
            )
        done = encode_all(found, share, others=share is None)
        for encoding in found:
            rows = encoding.rows
            say(f"{len(rows) - len(encoding.missing(rows))} of {len(rows)} {encoding.name}")
        say(f"{f'Shard {share}' if share else 'Encoded'}: {done} texts by this process")
        if encoders and not _has_candidates(folder):
            say("Which texts the teacher encodes is known once candidates are mined: encode again before score")


def encodings(folder: RunFolder) -> list[Encoding]:
    """The stores that a run encodes, as far as its folder tells: each once, in the order of the run."""
    together: dict[Path, Encoding] = {}
    for encoding in _in_order(folder):
        with suppress(DistillirError):  # the student before training is not there yet
            place = encoding.folder
            before = together.get(place)
            together[place] = encoding if before is None else replace(before, calls=[*before.calls, *encoding.calls])
    return list(together.values())


def teacher_encoders(recipe: Recipe) -> list[EncoderTeacher]:
    """Teachers of a recipe that encode query and document apart."""
    if recipe.teacher is None or recipe.teaching is not None:
        return []
    return [member for member in teachers_within(load_teacher(recipe.teacher)) if isinstance(member, EncoderTeacher)]


def _in_order(folder: RunFolder) -> Iterator[Encoding]:
    recipe, collection = folder.recipe, folder.collection
    everything = [np.arange(len(collection.corpus))]
    kept = recipe.student.documents
    if kept is not None and kept.encoder is not None:
        own = kept.encoder
        settings: dict[str, Any] = {"max_length": own.max_length, "precision": own.precision}
        settings["options"] = ModelOptions.of(own.prompts, own.trust_remote_code)
        settings |= {} if kept.stored == "float32" else {"stored": kept.stored}
        yield from encodings_of_table(kept.kind, own.model, collection.corpus, everything, "document", settings)
    yield from encodings_to_mine(folder)
    encoders = teacher_encoders(recipe)
    if encoders and _has_candidates(folder):
        yield from encodings_to_score(collection, encoders, asked_about(folder))
    kind = recipe.student.own_kind
    if kept is None and kind.searches and folder.initial_student.is_dir():
        trust, precision = recipe.student.trust_remote_code, recipe.evaluation.precision
        before = own_encoder(kind.retriever(str(folder.initial_student), precision=precision, trust_remote_code=trust))
        with suppress(DistillirError):  # held-out queries that cannot be drawn: the run will say so
            if before is not None:
                name, model, settings, _ = before
                rows = [evaluation_queries(folder)]
                yield from encodings_of_table(name, model, collection.corpus, everything, "document", settings)
                yield from encodings_of_table(name, model, collection.queries, rows, "query", settings)


def _has_candidates(folder: RunFolder) -> bool:
    try:
        return bool(asked_about(folder))
    except DistillirError:
        return False
