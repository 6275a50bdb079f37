"""The student in a run's folder, for commands that read it; one line where there is none, and why."""

from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.lock import held_by
from distillir.recipe import RECIPE_FILE


def is_run(path: Path) -> bool:
    """Tell whether a path is the folder of a run."""
    return (path / RECIPE_FILE).is_file()


def trained_student(run: Path, place: str = "student") -> Path:
    """The folder of a run's student.

    Args:
        run: The run's folder.
        place: In it: of the student as it was before training ``work/initial-student``.

    Raises:
        DistillirError: It is not there: no run has come so far, or one makes it anew at the moment.
    """
    found = run / place
    if found.is_dir():
        return found
    writing = held_by(run)
    if writing:
        raise DistillirError(
            f"is not there at the moment: another command is making it ({writing})",
            where=found,
            remedy="wait until that has ended (run --anew deletes a student before it trains the next one)",
        )
    trained = place == "student"
    raise DistillirError(
        "has no trained student yet" if trained else "is missing",
        where=run if trained else found,
        remedy=f"run `distillir run {run / RECIPE_FILE} --output {run}` to its end",
    )
