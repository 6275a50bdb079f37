"""Models that were loaded as students: as what kind, and the student that training works with."""

from typing import Any

from distillir.students.kind import StudentKind
from distillir.students.registry import STUDENTS
from distillir.students.student import Student

#: Under what a model that was loaded as a student holds its kind.
_KIND = "distillir_kind"


def mark(model: Any, kind: StudentKind) -> Any:
    """The model, which knows from now on as what kind of student it was loaded: its class alone may not tell."""
    setattr(model, _KIND, kind)
    return model


def student_of(model: Any) -> Student:
    """Make a model's student: by the kind it was loaded as, else by its class, else a dense one."""
    marked = getattr(model, _KIND, None)
    if marked is None:
        marked = next((kind for kind in STUDENTS.builtin().values() if kind.owns(model)), STUDENTS.get("dense"))
    found: Student = marked.student(model)
    return found
