"""Files in an output folder that hold no results: the lock, tracebacks of errors, half-made files of a kill."""

from pathlib import Path

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
