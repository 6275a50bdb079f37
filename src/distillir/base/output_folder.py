"""Folders that users name for results: making one; and what in it holds none (locks, tracebacks, half-made files)."""

from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.leftovers import is_half_made
from distillir.base.lock import HOLDER_FILE, LOCK_FILE

#: The traceback of an error that nobody foresaw; of further processes: error-process-1.log, ...
ERROR_FILE = "error.log"


def error_files(folder: Path) -> list[Path]:
    """Tracebacks that earlier failures left in a folder."""
    return [path for path in (folder / ERROR_FILE, *folder.glob("error-process-*.log")) if path.is_file()]


def is_empty(folder: Path, *but: str) -> bool:
    """Tell whether a folder holds no results.

    Args:
        folder: It must exist.
        but: Names of files that do not count either.
    """
    passed_over = {LOCK_FILE, HOLDER_FILE, *but, *(path.name for path in error_files(folder))}
    return all(path.name in passed_over or is_half_made(path) for path in folder.iterdir())


def make_output(path: Path) -> None:
    """Make the folder that a user named for what a command writes.

    Raises:
        DistillirError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DistillirError(
            f"cannot be made ({error.strerror})", where=path, remedy="choose another --output"
        ) from None
