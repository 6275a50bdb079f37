"""Loading of pairwise teachers by their specs in a recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.language_models.load import PAIRWISE, check_asker, load_asker
from distillir.teachers.pairwise import PairwiseTeacher

_KINDS = {
    "cross-encoder": "what `distillir train-teacher --pairwise` made; options model, precision, trust_remote_code",
    **PAIRWISE,
    "difference": "the difference of a pointwise teacher's scores (ours); options teacher, temperature",
}
#: How far apart in the pointwise order pairs lie, by kind (MiuLab/PairDistill pairwise_rerank.py and its instupr form).
_DISTANCES = {"duot5": 5, "prompt": 7}
_OPTIONS = {"cross-encoder": ("model", "precision", "trust_remote_code")}


def pairwise_kinds() -> dict[str, str]:
    """Every kind of pairwise teacher with a line on it."""
    return dict(_KINDS)


def validate_pairwise_spec(spec: object, where: str) -> None:
    """Check the form of ``method.pairs.teacher``, without loading anything.

    Args:
        spec: ``{cross-encoder: folder}`` or ``{cross-encoder: {model: folder, precision: bf16}}``; ``{duot5: name}``;
            ``{prompt: name}`` or ``{prompt: {server: address, model: name, ...}}``
            (`distillir.language_models.spec`).
        where: What messages call the place.

    Raises:
        DistillirError: Another form; the message names the nearest known word.
    """
    if not isinstance(spec, Mapping) or len(spec) != 1:
        raise DistillirError(
            f"{spec!r} names no pairwise teacher", where=where, remedy="write {cross-encoder: path/to/folder}"
        )
    kind, value = next(iter(spec.items()))
    if kind not in _KINDS:
        raise DistillirError(f"unknown pairwise teacher {kind!r}", where=where, remedy=nearest(str(kind), _KINDS))
    if kind in PAIRWISE:
        check_asker(kind, value, f"{where}.{kind}", pairwise=True)
        return
    if kind == "difference":
        _validate_difference(value, f"{where}.difference")
        return
    options = value if isinstance(value, Mapping) else {"model": value}
    for key, content in options.items():
        if key not in _OPTIONS[kind]:
            raise DistillirError(f"unknown key {key!r}", where=where, remedy=nearest(str(key), _OPTIONS[kind]))
        if key == "trust_remote_code":
            if not isinstance(content, bool):
                raise DistillirError(f"{key} is {content!r}", where=where, remedy="give true or false")
            continue
        if not isinstance(content, str) or not content.strip():
            raise DistillirError(f"{key} is {content!r}", where=where, remedy="give a word")
    if "model" not in options:
        raise DistillirError("no model is named", where=where, remedy=f"write {{{kind}: {{model: folder}}}}")


def _validate_difference(value: object, where: str) -> None:
    from distillir.teachers.load import validate_teacher_spec

    if not isinstance(value, Mapping) or "teacher" not in value:
        raise DistillirError(
            f"{value!r} names no teacher", where=where, remedy="write {teacher: {cross-encoder: name}}"
        )
    for key in value:
        if key not in ("teacher", "temperature"):
            raise DistillirError(
                f"unknown key {key!r}", where=where, remedy=nearest(str(key), ("teacher", "temperature"))
            )
    temperature = value.get("temperature", 1.0)
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 < temperature < float("inf"):
        raise DistillirError(f"temperature is {temperature!r}", where=where, remedy="give a number above 0")
    validate_teacher_spec(value["teacher"], f"{where}.teacher")
    if isinstance(value["teacher"], Mapping) and "ensemble" in value["teacher"]:
        raise DistillirError(
            "an ensemble's scores depend on the whole list", where=f"{where}.teacher", remedy="name one of its members"
        )


def load_pairwise(spec: Mapping[str, Any], *, cache: Path | None = None) -> PairwiseTeacher:
    """Make the pairwise teacher that a recipe names; its model is loaded when an answer is missing.

    Args:
        spec: As in `validate_pairwise_spec`.
        cache: Folder of the scores of all teachers (default: ``scores`` of the cache).

    Raises:
        DistillirError: As `validate_pairwise_spec`, or a model that is not there.
    """
    from distillir.teachers.cross_encoders.pairwise import PairwiseCrossEncoder

    validate_pairwise_spec(spec, "method.pairs.teacher")
    kind, value = next(iter(spec.items()))
    if kind in PAIRWISE:
        from distillir.teachers.language_models.asking import AskingPairs

        asker = load_asker(kind, value, f"method.pairs.teacher.{kind}", pairwise=True)
        return AskingPairs(asker, _DISTANCES[kind], cache)
    if kind == "difference":
        from distillir.teachers.pairwise_difference import make_difference

        return make_difference(dict(value))
    return PairwiseCrossEncoder(**({"model": value} if isinstance(value, str) else dict(value)), cache=cache)
