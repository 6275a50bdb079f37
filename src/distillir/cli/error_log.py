"""The traceback of an unforeseen error, kept in a file beside the run."""

import os
import platform
import shlex
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from distillir.base.output_folder import ERROR_FILE, error_files
from distillir.base.processes import rank

#: Files that only a folder of ours has: nothing is written into any other that --output names.
MARKS = ("recipe.yaml", "comparison.json")
_LIBRARIES = ("distillir", "torch", "transformers", "sentence-transformers", "datasets", "pyarrow", "numpy")

_folder: Path | None = None


def keep_errors_beside(output: Path | None) -> None:
    """Name the folder that a command writes to; None for none."""
    global _folder
    _folder = output


def write_traceback(error: BaseException) -> Path | None:
    """Write an error's traceback with the command and the versions of the libraries.

    The file is ``error.log`` in the folder of the run or comparison; where there is none, or it may not be written,
    ``distillir-error.log`` in the current folder, and at last a file among the temporary ones.

    Returns:
        The file; None where nothing could be written.
    """
    text = _text(error)
    own = "" if rank() == 0 else f"-process-{rank()}"
    beside = [_folder / ERROR_FILE] if _folder is not None and any((_folder / mark).is_file() for mark in MARKS) else []
    for wanted in (*beside, Path(f"distillir-{ERROR_FILE}")):
        path = wanted.with_name(f"{wanted.stem}{own}{wanted.suffix}")
        try:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return path
    try:
        handle, name = tempfile.mkstemp(prefix="distillir-error-", suffix=".log", text=True)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
    except OSError:
        return None
    return Path(name)


def forget_errors() -> None:
    """Remove the file of an earlier failure: the command has now gone through."""
    if _folder is not None and rank() == 0:
        with suppress(OSError):
            for file in error_files(_folder):
                file.unlink(missing_ok=True)


def _text(error: BaseException) -> str:
    lines = [
        f"time: {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
        f"command: {shlex.join(['distillir', *sys.argv[1:]])}",
        f"python {platform.python_version()} on {platform.platform()}",
        ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES),
    ]
    return "\n".join(lines) + "\n\n" + "".join(traceback.format_exception(error))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
