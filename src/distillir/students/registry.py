"""The kinds of student that a recipe may name."""

from collections.abc import Mapping
from typing import Any

from distillir.specs import Registry
from distillir.specs.form import read_options
from distillir.students.kind import StudentKind

#: Kinds of installed packages are entry points of the group ``distillir.students``.
STUDENTS: Registry[StudentKind] = Registry(
    "kind of student",
    "distillir.students",
    StudentKind,
    {
        "dense": "distillir.students.dense.kind:DENSE",
        "multi-vector": "distillir.students.multi_vector.kind:MULTI_VECTOR",
        "sparse": "distillir.students.sparse.kind:SPARSE",
        "cross-encoder": "distillir.students.cross_encoder.kind:CROSS_ENCODER",
    },
)


def student_kind(name: str, given: Mapping[str, Any] | None = None, where: str = "student.kind") -> StudentKind:
    """The kind of a name, with its own options where it has any.

    Args:
        name: As a recipe has it under ``student: {kind: ...}``.
        given: Its own options as a recipe writes them; None: the defaults.
        where: What messages call the place of the name.

    Raises:
        DistillirError: There is no such kind, or an option that it does not have or that cannot be.
    """
    kind = STUDENTS.get(name, where)
    if kind.own_options is None:
        return kind
    return kind.with_options(read_options(kind.own_options, given or {}, "student"))
