"""How fast models are on this machine, from timing each of them once on a few texts of the collection."""

import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from distillir.collections import Collection
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.errors import DistillirError
from distillir.language_models.load import POINTWISE
from distillir.recipe import StudentSpec
from distillir.retrieval.sources import MODEL_SOURCES
from distillir.training.settings import TrainingSettings

SAMPLE = 64
BM25_QUERIES_PER_SECOND = 200.0


def scoring_seconds(spec: Any, collection: Collection, pairs: int, texts: int) -> float | None:
    """Seconds a teacher would take for pairs of so many distinct documents, from timing its models on a few texts."""
    if isinstance(spec, str):
        return pairs / (50 * BM25_QUERIES_PER_SECOND)
    if not isinstance(spec, Mapping):
        return None
    if "ensemble" in spec:
        members = [scoring_seconds(member, collection, pairs, texts) for member in spec["ensemble"]]
        return sum(member for member in members if member is not None)
    kind, value = next(iter(spec.items()))
    options = value if isinstance(value, Mapping) else {"model": value}
    if kind in MODEL_SOURCES:
        own = ModelOptions.of(options.get("prompts"), bool(options.get("trust_remote_code")))
        rate = texts_per_second(collection, str(options["model"]), kind, None, options.get("max_length"), own)
        return texts / rate
    if kind in POINTWISE and isinstance(value, Mapping) and "server" in value:
        return None
    if kind == "cross-encoder" or kind in POINTWISE:
        return pairs / _pairs_per_second(collection, json.dumps(spec, sort_keys=True))
    return pairs / (50 * BM25_QUERIES_PER_SECOND)


@cache
def _pairs_per_second(collection: Collection, spec_json: str) -> float:
    """How many pairs a pointwise teacher scores in a second here; nothing goes into the cache of scores."""
    from distillir.teachers.load import load_teacher

    teacher = load_teacher(json.loads(spec_json))
    rows = np.unique(np.random.default_rng(0).integers(0, len(collection.corpus), SAMPLE))
    start = time.monotonic()
    teacher.score(collection, np.zeros(1, dtype=np.int64), [rows])
    return len(rows) / max(time.monotonic() - start, 1e-6)


@cache
def texts_per_second(
    collection: Collection,
    model: str,
    kind: str,
    layers: int | None,
    max_length: int | None,
    options: ModelOptions = PLAIN,
) -> float:
    """How many documents a model of a kind encodes in a second here."""
    from distillir.encoding.vectors import encode_texts
    from distillir.students.load import load_student

    loaded = load_student(model, kind=kind, layers=layers, max_length=max_length, options=options)

    def encode(texts: list[str]) -> None:
        if kind == "dense":
            encode_texts(loaded, texts, kind="document")
        else:
            loaded.encode_document(texts, show_progress_bar=False)

    if not len(collection.corpus):
        raise DistillirError("has no document", where=f"collection {collection.name}")
    rows = np.random.default_rng(0).integers(0, len(collection.corpus), SAMPLE)
    texts = collection.corpus.texts(rows)
    encode(texts[:8])  # the first call builds kernels
    start = time.monotonic()
    encode(texts)
    return SAMPLE / max(time.monotonic() - start, 1e-6)


def training_seconds(collection: Collection, student: StudentSpec, settings: TrainingSettings) -> float:
    """Seconds that training spends on a document here, forwards and backwards; the optimiser's are left out."""
    told = (settings.dropout, settings.precision, settings.max_length, settings.token_budget)
    return _training_seconds(collection, student.model_dump_json(), *told)


@cache
def _training_seconds(
    collection: Collection,
    student_json: str,
    dropout: float | None,
    wanted_precision: str,
    max_length: int | None,
    token_budget: int,
) -> float:
    import torch

    from distillir.encoding.precision import autocast, resolve_precision
    from distillir.students.chunks import chunks
    from distillir.students.load import load_student_of
    from distillir.students.student import student_of
    from distillir.training.attention import fastest_attention
    from distillir.training.train import set_dropout, shortened

    wanted = StudentSpec.model_validate_json(student_json)
    model = load_student_of(wanted)
    student = student_of(model)
    if dropout is not None:
        set_dropout(model, dropout)
    precision = resolve_precision(wanted_precision, model.device)
    rows = np.random.default_rng(0).integers(0, len(collection.corpus), SAMPLE)
    with shortened(model, max_length):
        features = model.preprocess(collection.corpus.texts(rows), task="document")
    lengths, order = features["attention_mask"].sum(dim=1).sort()
    features = {name: value[order].to(model.device) for name, value in features.items() if hasattr(value, "dim")}
    model.train()
    seconds = 0.0
    with fastest_attention(model, precision):
        for _ in range(2):  # the first time builds kernels
            start = time.monotonic()
            with autocast(precision, model.device):
                embedded = student.embed(model, features, chunks(lengths.tolist(), token_budget), task="document")
                scores = student.scores(student.select(embedded, torch.zeros(1, dtype=torch.long)), embedded)
            torch.autograd.backward(scores.square().sum())
            seconds = time.monotonic() - start
    return seconds / SAMPLE
