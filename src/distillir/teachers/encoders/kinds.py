"""Models that encode texts, as a recipe names them for teachers."""

from pathlib import Path
from typing import TYPE_CHECKING

from distillir.encoding.model_spec import ModelSpec
from distillir.teachers.kind import OPTIONS, TeacherKind, check_there

if TYPE_CHECKING:
    from distillir.teachers.encoders.dense import DenseTeacher
    from distillir.teachers.encoders.multi_vector import MultiVectorTeacher
    from distillir.teachers.encoders.sparse import SparseTeacher


def _dense(options: ModelSpec, cache: Path | None) -> "DenseTeacher":
    check_there(options.model)
    from distillir.teachers.encoders.dense import DenseTeacher

    return DenseTeacher(**options.written(), cache=cache and cache / "vectors")


def _multi_vector(options: ModelSpec, cache: Path | None) -> "MultiVectorTeacher":
    check_there(options.model)
    from distillir.teachers.encoders.multi_vector import MultiVectorTeacher

    return MultiVectorTeacher(**options.written(), cache=cache and cache / "token-vectors")


def _sparse(options: ModelSpec, cache: Path | None) -> "SparseTeacher":
    check_there(options.model)
    from distillir.teachers.encoders.sparse import SparseTeacher

    return SparseTeacher(**options.written(), cache=cache and cache / "sparse-vectors")


DENSE = TeacherKind(
    "dense",
    f"a SentenceTransformer: similarity of vectors; {OPTIONS}",
    ModelSpec,
    "model",
    filled_in=True,
    make=_dense,
)
MULTI_VECTOR = TeacherKind(
    "multi-vector",
    f"a MultiVectorEncoder (ColBERT): MaxSim of token vectors; {OPTIONS}",
    ModelSpec,
    "model",
    filled_in=True,
    make=_multi_vector,
)
SPARSE = TeacherKind(
    "sparse",
    f"a SparseEncoder or SPLADE checkpoint: dot product over words; {OPTIONS}",
    ModelSpec,
    "model",
    filled_in=True,
    make=_sparse,
)
