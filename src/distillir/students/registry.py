"""The kinds of student that a recipe may name."""

from distillir.specs import Registry
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
