"""The kinds of teacher by name, and the form in which a recipe names one."""

from distillir.specs.form import Form
from distillir.specs.registry import Registry
from distillir.teachers.bm25_kind import BM25
from distillir.teachers.cross_encoders.kind import CROSS_ENCODER
from distillir.teachers.encoders.kinds import DENSE, MULTI_VECTOR, SPARSE
from distillir.teachers.kind import TeacherKind
from distillir.teachers.language_models.kinds import MONOT5, PROMPT, QUERY_LIKELIHOOD

_ALONE = (BM25, DENSE, MULTI_VECTOR, SPARSE, CROSS_ENCODER, PROMPT, MONOT5, QUERY_LIKELIHOOD)
TEACHERS: Registry[TeacherKind] = Registry(
    "teacher",
    "distillir.teachers",
    TeacherKind,
    {
        **{kind.name: kind for kind in _ALONE},
        # Named and not imported: its members are teachers, which it looks up here.
        "ensemble": "distillir.teachers.ensemble_kind:ENSEMBLE",
    },
)
FORM = Form(
    "teacher",
    TEACHERS,
    "names no teacher",
    "write for example: teacher: bm25",
    several="several teachers go into an ensemble",
)
