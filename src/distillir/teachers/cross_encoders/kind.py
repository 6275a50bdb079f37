"""A cross-encoder as a recipe names it for a teacher."""

from pathlib import Path
from typing import TYPE_CHECKING

from distillir.encoding.model_spec import PairModelSpec
from distillir.teachers.kind import OPTIONS, TeacherKind, check_there

if TYPE_CHECKING:
    from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher


def _cross_encoder(options: PairModelSpec, cache: Path | None) -> "CrossEncoderTeacher":
    check_there(options.model)
    from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher

    return CrossEncoderTeacher(**options.written(), cache=cache and cache / "scores")


CROSS_ENCODER = TeacherKind(
    "cross-encoder",
    f"a sentence-transformers CrossEncoder: raw logits; {OPTIONS}",
    PairModelSpec,
    "model",
    make=_cross_encoder,
)
