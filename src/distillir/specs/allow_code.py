"""Permission to run Python code that a recipe names: a recipe may come from a stranger, so that a user must give it."""

from collections.abc import Iterator
from contextlib import contextmanager

from distillir.base.errors import DistillirError

#: How the command line and Python say it.
FLAG, ARGUMENT = "--allow-code", "allow_code=True"

_allowed = False
_refused: list[str] = []


def code_allowed() -> bool:
    """Tell whether code that a recipe names may run now."""
    return _allowed


def set_code_allowed(allowed: bool) -> None:
    """Say for the whole process whether code that a recipe names may run, as the command line does."""
    global _allowed
    _allowed = allowed


@contextmanager
def allow_code(allowed: bool = True) -> Iterator[None]:
    """Let code that a recipe names as ``module:NAME`` run, or not, until the block ends; for all threads.

    Args:
        allowed: Whether it may.
    """
    before = _allowed
    set_code_allowed(allowed)
    try:
        yield
    finally:
        set_code_allowed(before)


@contextmanager
def refusals() -> Iterator[list[str]]:
    """Note the code that is refused until the block ends.

    Yields:
        Its names, as ``module:NAME``; filled as they are refused.
    """
    global _refused
    before, _refused = _refused, []
    try:
        yield _refused
    finally:
        _refused = before


def check_code_allowed(name: str, where: object) -> None:
    """Refuse code that nobody has allowed to run.

    Args:
        name: ``module:NAME``.
        where: What the message calls the place.

    Raises:
        DistillirError: It may not run.
    """
    if not _allowed:
        _refused.append(name)
        raise DistillirError(
            f"{name} is Python code, and it has not been allowed to run",
            where=where,
            remedy=f"read it, and add {FLAG} (in Python: {ARGUMENT})",
        )
