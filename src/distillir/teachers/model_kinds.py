"""Models of sentence-transformers as a recipe names them for teachers."""

from pathlib import Path
from typing import TYPE_CHECKING

from distillir.encoding.model_spec import ModelSpec, PairModelSpec
from distillir.teachers.kind import TeacherKind

if TYPE_CHECKING:
    from distillir.teachers.cross_encoder import CrossEncoderTeacher
    from distillir.teachers.dense import DenseTeacher
    from distillir.teachers.multi_vector import MultiVectorTeacher
    from distillir.teachers.sparse import SparseTeacher

_OPTIONS = "options model, max_length, precision, prompts, trust_remote_code"


def _there(model: str) -> None:
    """Say now, not after the mining, that a path leads nowhere."""
    from distillir.encoding.model_files import resolve_model

    resolve_model(model)


def _dense(options: ModelSpec, cache: Path | None) -> "DenseTeacher":
    _there(options.model)
    from distillir.teachers.dense import DenseTeacher

    return DenseTeacher(**options.written(), cache=cache and cache / "vectors")


def _multi_vector(options: ModelSpec, cache: Path | None) -> "MultiVectorTeacher":
    _there(options.model)
    from distillir.teachers.multi_vector import MultiVectorTeacher

    return MultiVectorTeacher(**options.written(), cache=cache and cache / "token-vectors")


def _sparse(options: ModelSpec, cache: Path | None) -> "SparseTeacher":
    _there(options.model)
    from distillir.teachers.sparse import SparseTeacher

    return SparseTeacher(**options.written(), cache=cache and cache / "sparse-vectors")


def _cross_encoder(options: PairModelSpec, cache: Path | None) -> "CrossEncoderTeacher":
    _there(options.model)
    from distillir.teachers.cross_encoder import CrossEncoderTeacher

    return CrossEncoderTeacher(**options.written(), cache=cache and cache / "scores")


DENSE = TeacherKind(
    "dense", f"a SentenceTransformer: similarity of vectors; {_OPTIONS}", ModelSpec, "model", make=_dense
)
MULTI_VECTOR = TeacherKind(
    "multi-vector",
    f"a MultiVectorEncoder (ColBERT): MaxSim of token vectors; {_OPTIONS}",
    ModelSpec,
    "model",
    make=_multi_vector,
)
SPARSE = TeacherKind(
    "sparse",
    f"a SparseEncoder or SPLADE checkpoint: dot product over words; {_OPTIONS}",
    ModelSpec,
    "model",
    make=_sparse,
)
CROSS_ENCODER = TeacherKind(
    "cross-encoder",
    f"a sentence-transformers CrossEncoder: raw logits; {_OPTIONS}",
    PairModelSpec,
    "model",
    make=_cross_encoder,
)
