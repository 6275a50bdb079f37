"""Calls of code from outside the package: what goes wrong in it is one line that names it, and the line of its file."""

import os
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distillir.base.errors import DistillirError

_PACKAGE = Path(__file__).parents[1]


@contextmanager
def outside_call(name: str, what: str) -> Iterator[None]:
    """Turn an exception of code from outside the package into an error of one line.

    Args:
        name: What it is called in a recipe.
        what: What it was asked for, such as ``score``.

    Raises:
        DistillirError: An exception came up; its own type and traceback stand behind it (``DISTILLIR_DEBUG=1``).
    """
    try:
        yield
    except (DistillirError, MemoryError):
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise DistillirError(f"{what} failed ({said}{_place(error)})", where=name, remedy="mend that code") from error


def wrong_answer(name: str, what: str, told: str, remedy: str) -> DistillirError:
    """The error of code from outside the package that answers with something else than it should.

    Args:
        name: What it is called in a recipe.
        what: What it was asked for.
        told: What is wrong with the answer.
        remedy: What the answer should be.
    """
    return DistillirError(f"{what} gave {told}", where=name, remedy=remedy)


def _place(error: BaseException) -> str:
    """The last line of the user's own files that an error came through; of none, nothing."""
    installed = {os.path.realpath(path) for path in sysconfig.get_paths().values()}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = os.path.realpath(frame.filename)
        others = _PACKAGE in Path(file).parents or any(file.startswith(path + os.sep) for path in installed)
        if not others and Path(file).is_file():
            return f", {Path(file).name} line {frame.lineno}"
    return ""
