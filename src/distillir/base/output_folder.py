"""Files in an output folder that are nobody's work: the lock, the traceback of an error, what a kill left half-made."""

from pathlib import Path

from distillir.base.leftovers import is_half_made
from distillir.base.lock import HOLDER_FILE, LOCK_FILE

#: The traceback of an error that nobody foresaw; of further processes: error-process-1.log, ...
ERROR_FILE = "error.log"


def error_files(folder: Path) -> list[Path]:
    """Tracebacks that earlier failures left in a folder."""
    return [path for path in (folder / ERROR_FILE, *folder.glob("error-process-*.log")) if path.is_file()]


def is_empty(folder: Path, *but: str) -> bool:
    """Tell whether a folder holds nothing that anybody made.

    Args:
        folder: It must exist.
        but: Names of files that do not count either.
    """
    passed_over = {LOCK_FILE, HOLDER_FILE, *but, *(path.name for path in error_files(folder))}
    return all(path.name in passed_over or is_half_made(path) for path in folder.iterdir())
