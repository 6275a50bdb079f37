"""Loading of pairwise teachers by their specs in a recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillir.teachers.pairwise import PairwiseTeacher
from distillir.teachers.pairwise_kinds import FORM, PAIRWISE_TEACHERS


def pairwise_kinds() -> dict[str, str]:
    """Every kind of pairwise teacher with a line on it."""
    return PAIRWISE_TEACHERS.descriptions()


def validate_pairwise_spec(spec: object, where: str) -> None:
    """Check the form of ``method.pairs.teacher``, without loading anything.

    Args:
        spec: ``{cross-encoder: folder}`` or ``{cross-encoder: {model: folder, precision: bf16}}``; ``{duot5: name}``;
            ``{prompt: name}`` or ``{prompt: {server: address, model: name, ...}}``
            (`distillir.language_models.spec`); ``{difference: {teacher: ...}}``; ``{module:NAME: {...}}``.
        where: What messages call the place.

    Raises:
        DistillirError: Another form; the message names the nearest known word.
    """
    FORM.read(spec, where)


def load_pairwise(spec: Mapping[str, Any], *, cache: Path | None = None) -> PairwiseTeacher:
    """Make the pairwise teacher that a recipe names; its model is loaded when an answer is missing.

    Args:
        spec: As in `validate_pairwise_spec`.
        cache: Folder of the scores of all teachers (default: ``scores`` of the cache).

    Raises:
        DistillirError: As `validate_pairwise_spec`, or a model that is not there.
    """
    chosen = FORM.read(spec, "method.pairs.teacher")
    if PAIRWISE_TEACHERS.is_own(chosen.kind.name):
        return chosen.kind.make(chosen.options, cache)
    from distillir.specs.outside_calls import outside_call
    from distillir.teachers.own_pairwise import OwnPairwiseTeacher

    with outside_call(chosen.kind.name, "make"):
        made = chosen.kind.make(chosen.options, cache)
    return OwnPairwiseTeacher(chosen.kind.name, made)
