"""The kinds of teacher by name, and the form in which a recipe names one."""

from collections.abc import Iterator

from distillir.specs.form import Chosen, Form
from distillir.specs.registry import Registry
from distillir.teachers.bm25_kind import BM25
from distillir.teachers.cross_encoders.kind import CROSS_ENCODER
from distillir.teachers.encoders.kinds import DENSE, MULTI_VECTOR, SPARSE
from distillir.teachers.ensemble_kind import ENSEMBLE, EnsembleSpec
from distillir.teachers.kind import TeacherKind
from distillir.teachers.language_models.kinds import MONOT5, PROMPT, QUERY_LIKELIHOOD

_ALL = (BM25, DENSE, MULTI_VECTOR, SPARSE, CROSS_ENCODER, PROMPT, MONOT5, QUERY_LIKELIHOOD, ENSEMBLE)
TEACHERS: Registry[TeacherKind] = Registry(
    "teacher", "distillir.teachers", TeacherKind, {kind.name: kind for kind in _ALL}
)
FORM = Form(
    "teacher",
    TEACHERS,
    "names no teacher",
    "write for example: teacher: bm25",
    several="several teachers go into an ensemble",
)


def members(value: object, where: str = "teacher") -> Iterator[Chosen[TeacherKind]]:
    """The teachers that a recipe's ``teacher`` names, with the members of ensembles in their place.

    Args:
        value: As a recipe writes it; None: none.
        where: What messages call the place.

    Raises:
        DistillirError: As `distillir.specs.form.Form.read`.
    """
    if value is None:
        return
    chosen = FORM.read(value, where)
    if not isinstance(chosen.options, EnsembleSpec):
        yield chosen
        return
    for number, member in enumerate(chosen.options.ensemble):
        yield from members(member, f"{where}.ensemble[{number}]")
