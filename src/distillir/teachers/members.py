"""The teachers that a recipe names, those within ensembles too."""

from collections.abc import Iterator

from distillir.specs.form import Chosen
from distillir.teachers.ensemble_kind import EnsembleSpec
from distillir.teachers.kind import TeacherKind
from distillir.teachers.registry import FORM


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
