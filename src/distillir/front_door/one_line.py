"""One-line errors for callers in Python, as the command line gives them."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from distillir.base.errors import DistillirError

P = ParamSpec("P")
R = TypeVar("R")


def one_line(call: Callable[P, R]) -> Callable[P, R]:
    """Let a function raise a `DistillirError` where the machine refuses something (room, memory, rights).

    What is neither that nor a mistake in the input is a bug, and keeps its own type and traceback.
    """

    @functools.wraps(call)
    def told(*args: P.args, **options: P.kwargs) -> R:
        try:
            return call(*args, **options)
        except DistillirError:
            raise
        except Exception as error:
            from distillir.base.environment import refused_by_machine

            if (line := refused_by_machine(error)) is not None:
                raise line from error
            raise

    return told
