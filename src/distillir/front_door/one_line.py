"""The boundary of the front door: one-line errors, and code of a recipe's own where the caller allows it."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from distillir.base.errors import DistillirError

P = ParamSpec("P")
R = TypeVar("R")


def one_line(call: Callable[P, R]) -> Callable[P, R]:
    """Let a function raise a `DistillirError` where the machine refuses something (room, memory, rights).

    What is neither that nor a mistake in the input is a bug, and keeps its own type and traceback. Where the caller
    gives ``allow_code=True``, Python code that is named as ``module:NAME`` may run during the call.

    Args:
        call: A function of the front door.

    Returns:
        The function, with its name and documentation.
    """

    @functools.wraps(call)
    def told(*args: P.args, **options: P.kwargs) -> R:
        try:
            allowed = options.get("allow_code", False)
            if not isinstance(allowed, bool):
                raise DistillirError(f"{allowed!r} is not True or False", where="allow_code")
            if allowed:
                from distillir.specs.allow_code import allow_code

                with allow_code():
                    return call(*args, **options)
            return call(*args, **options)
        except DistillirError:
            raise
        except Exception as error:
            from distillir.base.environment import refused_by_machine

            if (line := refused_by_machine(error)) is not None:
                raise line from error
            raise

    return told
