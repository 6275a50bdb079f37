"""The kinds of student that a recipe may name."""

from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.encoding.model_files import model_kind
from distillir.students.dense.kind import DENSE
from distillir.students.kind import StudentKind
from distillir.students.multi_vector.kind import MULTI_VECTOR
from distillir.students.sparse.kind import SPARSE

KINDS: dict[str, StudentKind] = {kind.name: kind for kind in (DENSE, MULTI_VECTOR, SPARSE)}


def find_kind(name: str) -> StudentKind:
    """The kind of student of a name.

    Raises:
        DistillirError: There is none of that name.
    """
    if name not in KINDS:
        raise DistillirError(f"unknown kind of student {name!r}", where="student.kind", remedy=nearest(name, KINDS))
    return KINDS[name]


def kind_of_files(model: str | Path) -> StudentKind:
    """The kind of student that a model can be used as, by its files.

    Args:
        model: Folder, alias or hub name.

    Raises:
        DistillirError: No kind of student has such files.
    """
    found = model_kind(model)
    kind = next((kind for kind in KINDS.values() if kind.model_kind == found), None)
    if kind is None:
        raise DistillirError(f"is a {found} model, and no kind of student is one", where=str(model))
    return kind
