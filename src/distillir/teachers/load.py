"""Loading of teachers by their specs in a recipe."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.encoding.model_options import SIDES, check_prompts
from distillir.language_models.load import POINTWISE, check_asker, load_asker
from distillir.retrieval.bm25_settings import BM25Settings

if TYPE_CHECKING:
    from distillir.teachers.counted import CountedTeacher

_MODEL_OPTIONS = "options model, max_length, precision, prompts, trust_remote_code"
_KINDS = {
    "bm25": "BM25 over the collection; options k1, b, stemmer, stopwords, identifiers",
    "dense": f"a SentenceTransformer: similarity of vectors; {_MODEL_OPTIONS}",
    "multi-vector": f"a MultiVectorEncoder (ColBERT): MaxSim of token vectors; {_MODEL_OPTIONS}",
    "sparse": f"a SparseEncoder or SPLADE checkpoint: dot product over words; {_MODEL_OPTIONS}",
    "cross-encoder": f"a sentence-transformers CrossEncoder: raw logits; {_MODEL_OPTIONS}",
    **POINTWISE,
    "ensemble": "weighted sum of other teachers, normalised per query; options weights, normalize",
}
_NUMBER, _LENGTH, _WORD, _SWITCH = "a number", "a whole number above 0", "a word", "true or false"
_PROMPTS = "prompts"
_MODEL = {"model": _WORD, "max_length": _LENGTH, "precision": _WORD, "prompts": _PROMPTS, "trust_remote_code": _SWITCH}
_OPTIONS: dict[str, dict[str, str]] = {
    "bm25": {"k1": _NUMBER, "b": _NUMBER, "stemmer": _WORD, "stopwords": _WORD, "identifiers": _SWITCH},
    "dense": _MODEL,
    "multi-vector": _MODEL,
    "sparse": _MODEL,
    "cross-encoder": _MODEL,
}
_PRECISIONS = {
    "dense": ("auto", "float32", "bf16"),
    "multi-vector": ("auto", "float32", "bf16"),
    "sparse": ("auto", "float32", "bf16"),
    "cross-encoder": ("auto", "float32", "bf16", "int8"),
}
_NORMALISATIONS = ("zscore", "minmax", "none")
_MAY_BE_NULL = {"stemmer", "stopwords", "max_length", "prompts"}


def teacher_kinds() -> dict[str, str]:
    """Every kind of teacher with a line on it."""
    return dict(_KINDS)


def validate_teacher_spec(spec: object, where: str = "teacher") -> None:
    """Check the form of a recipe's ``teacher:``, without loading anything.

    Args:
        spec: ``bm25``; ``{bm25: {k1: 0.9, ...}}``; ``{dense: name}`` or ``{dense: {model: name, max_length: 256}}``;
            ``{cross-encoder: name}`` or a mapping likewise; ``{prompt: name}``, ``{monot5: name}``,
            ``{query-likelihood: name}`` or mappings (`distillir.language_models.spec`);
            ``{ensemble: [spec, ...], weights: [...], normalize: zscore}``.
        where: What messages call the place.

    Raises:
        DistillirError: Another form; the message names the nearest known word.
    """
    if isinstance(spec, str):
        _known(spec, _KINDS, "teacher", where)
        if spec != "bm25":
            form = "[bm25, {dense: name}]" if spec == "ensemble" else "name"
            raise DistillirError(f"{spec} needs more than its name", where=where, remedy=f"write {{{spec}: {form}}}")
        return
    if not isinstance(spec, Mapping) or not spec:
        raise DistillirError(f"{spec!r} names no teacher", where=where, remedy="write for example: teacher: bm25")
    if "ensemble" in spec:
        _validate_ensemble(spec, where)
        return
    kind = str(next(iter(spec)))
    _known(kind, _KINDS, "teacher", where)
    if len(spec) > 1:
        raise DistillirError(
            f"{', '.join(str(key) for key in spec)} beside each other",
            where=where,
            remedy=f"options go inside: {{{kind}: {{...}}}}; several teachers go into an ensemble",
        )
    _validate_options(kind, spec[kind], f"{where}.{kind}")


def _validate_options(kind: str, value: object, where: str) -> None:
    if kind in POINTWISE:
        check_asker(kind, value, where)
        return
    if kind != "bm25" and isinstance(value, str) and value.strip():
        return
    if kind == "bm25" and value is None:
        return
    if not isinstance(value, Mapping):
        form = "{k1: 0.9, b: 0.4}" if kind == "bm25" else "a name, or {model: name}"
        raise DistillirError(f"{value!r} is no mapping", where=where, remedy=f"give {form}")
    for key, option in value.items():
        _known(str(key), _OPTIONS[kind], "key", where)
        if option is None and key in _MAY_BE_NULL:
            continue
        wanted = _OPTIONS[kind][key]
        if wanted == _PROMPTS:
            check_prompts(option, f"{where}.prompts", ("query",) if kind == "cross-encoder" else SIDES)
            continue
        number = isinstance(option, int | float) and not isinstance(option, bool)
        fits = {
            _NUMBER: number,
            _LENGTH: number and isinstance(option, int) and option > 0,
            _WORD: isinstance(option, str) and bool(option.strip()),
            _SWITCH: isinstance(option, bool),
        }
        if not fits[wanted]:
            raise DistillirError(f"{key} is {option!r}", where=where, remedy=f"give {wanted}")
    if kind == "bm25":
        BM25Settings(**value).check(where)
    if kind != "bm25" and "model" not in value:
        raise DistillirError("no model is named", where=where, remedy=f"write {{{kind}: {{model: name}}}}")
    if "precision" in value:
        _known(value["precision"], _PRECISIONS[kind], "precision", where)


def _validate_ensemble(spec: Mapping[Any, Any], where: str) -> None:
    for key in spec:
        _known(str(key), ("ensemble", "weights", "normalize"), "key", where)
    members = spec["ensemble"]
    if not isinstance(members, list | tuple) or not members:
        raise DistillirError(
            f"{members!r} is no list of teachers", where=f"{where}.ensemble", remedy="write [bm25, {dense: name}]"
        )
    for number, member in enumerate(members):
        validate_teacher_spec(member, f"{where}.ensemble[{number}]")
    weights = spec.get("weights")
    if weights is not None:
        if not isinstance(weights, list | tuple) or not all(
            isinstance(w, int | float) and not isinstance(w, bool) and math.isfinite(w) for w in weights
        ):
            raise DistillirError(f"{weights!r} is no list of finite numbers", where=f"{where}.weights")
        if not any(weights):
            raise DistillirError("every weight is 0", where=f"{where}.weights", remedy="give one that is not")
        if len(weights) != len(members):
            raise DistillirError(
                f"{len(weights)} weights for {len(members)} members",
                where=f"{where}.weights",
                remedy="give one weight a member",
            )
    _known(spec.get("normalize", "zscore"), _NORMALISATIONS, "normalisation", f"{where}.normalize")


def _known(word: object, words: Any, what: str, where: str) -> None:
    if word not in tuple(words):
        raise DistillirError(f"unknown {what} {word!r}", where=where, remedy=nearest(str(word), words))


def load_teacher(spec: str | Mapping[str, Any], *, cache: Path | None = None) -> "CountedTeacher":
    """Make the teacher that a recipe names; models are loaded when a score is missing, not before.

    Args:
        spec: As in `validate_teacher_spec`.
        cache: Root in place of `distillir.base.files.cache_root`, for scores and vectors.

    Raises:
        DistillirError: As `validate_teacher_spec`, or a model that is not there.
    """
    validate_teacher_spec(spec)
    if isinstance(spec, Mapping) and "ensemble" in spec:
        from distillir.teachers.ensemble import EnsembleTeacher

        members = [load_teacher(member, cache=cache) for member in spec["ensemble"]]
        return EnsembleTeacher(members, spec.get("weights"), spec.get("normalize", "zscore"))
    kind, value = (spec, None) if isinstance(spec, str) else next(iter(spec.items()))
    if kind in POINTWISE:
        from distillir.teachers.language_models.asking import AskingTeacher

        return AskingTeacher(load_asker(kind, value, f"teacher.{kind}"), cache and cache / "scores")
    options: dict[str, Any] = {"model": value} if isinstance(value, str) else dict(value or {})
    if kind == "bm25":
        from distillir.teachers.bm25 import BM25Teacher

        return BM25Teacher(**options)
    from distillir.encoding.model_files import resolve_model

    resolve_model(options["model"])  # A path to nothing is said now, not after the mining.
    if kind == "dense":
        from distillir.teachers.encoders.dense import DenseTeacher

        return DenseTeacher(**options, cache=cache and cache / "vectors")
    if kind == "multi-vector":
        from distillir.teachers.encoders.multi_vector import MultiVectorTeacher

        return MultiVectorTeacher(**options, cache=cache and cache / "token-vectors")
    if kind == "sparse":
        from distillir.teachers.encoders.sparse import SparseTeacher

        return SparseTeacher(**options, cache=cache and cache / "sparse-vectors")
    from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher

    return CrossEncoderTeacher(**options, cache=cache and cache / "scores")
