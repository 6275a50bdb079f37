"""Kind of teacher: its options, and how one is made of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.specs.kind import OptionKind

if TYPE_CHECKING:
    from distillir.teachers.pairwise import PairwiseTeacher
    from distillir.teachers.teacher import Teacher

#: Said of each teacher that is a model.
OPTIONS = "options model, max_length, precision, prompts, trust_remote_code"


@dataclass(frozen=True, kw_only=True)
class TeacherKind(OptionKind):
    """A kind of teacher.

    Attributes:
        make: ``(options, cache)``: the teacher. It loads a model when a score is missing, not before; ``cache`` stands
            for `distillir.base.files.cache_root` where it is not None. Raises a `DistillirError` where a model is not
            there.
    """

    make: "Callable[[Any, Path | None], Teacher]"


@dataclass(frozen=True, kw_only=True)
class PairwiseKind(OptionKind):
    """A kind of pairwise teacher.

    Attributes:
        make: ``(options, cache)``: the teacher; ``cache`` is the folder of the scores of all teachers, or None.
    """

    make: "Callable[[Any, Path | None], PairwiseTeacher]"


def check_there(model: str) -> None:
    """Say now, not after the mining, that a path leads nowhere."""
    from distillir.encoding.model_files import resolve_model

    resolve_model(model)
