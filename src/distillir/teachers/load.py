"""Loading of teachers by their specs in a recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.teachers.registry import FORM, TEACHERS

if TYPE_CHECKING:
    from distillir.teachers.teacher import Teacher


def teacher_kinds() -> dict[str, str]:
    """Every kind of teacher with a line on it."""
    return TEACHERS.descriptions()


def validate_teacher_spec(spec: object, where: str = "teacher") -> None:
    """Check the form of a recipe's ``teacher:``, without loading anything.

    Args:
        spec: ``bm25``; ``{bm25: {k1: 0.9, ...}}``; ``{dense: name}`` or ``{dense: {model: name, max_length: 256}}``;
            ``{cross-encoder: name}`` or a mapping likewise; ``{prompt: name}``, ``{monot5: name}``,
            ``{query-likelihood: name}`` or mappings (`distillir.language_models.spec`);
            ``{ensemble: [spec, ...], weights: [...], normalize: zscore}``; ``module:NAME`` or ``{module:NAME: {...}}``.
        where: What messages call the place.

    Raises:
        DistillirError: Another form; the message names the nearest known word.
    """
    FORM.read(spec, where)


def load_teacher(spec: str | Mapping[str, Any], *, cache: Path | None = None) -> "Teacher":
    """Make the teacher that a recipe names; models are loaded when a score is missing, not before.

    Args:
        spec: As in `validate_teacher_spec`.
        cache: Root in place of `distillir.base.files.cache_root`, for scores and vectors.

    Raises:
        DistillirError: As `validate_teacher_spec`, or a model that is not there.
    """
    chosen = FORM.read(spec, "teacher")
    if TEACHERS.is_own(chosen.kind.name):
        return chosen.kind.make(chosen.options, cache)
    from distillir.specs.outside_calls import outside_call
    from distillir.teachers.own_teacher import OwnTeacher

    with outside_call(chosen.kind.name, "make"):
        made = chosen.kind.make(chosen.options, cache)
    return OwnTeacher(chosen.kind.name, made)
