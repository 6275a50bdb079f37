"""The boundary of the front door: one-line errors, and code of a recipe's own where the caller allows it."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest

P = ParamSpec("P")
R = TypeVar("R")


def one_line(call: Callable[P, R]) -> Callable[P, R]:
    """Let a function raise a `DistillirError` where the machine refuses something (room, memory, rights).

    So it does for arguments that it does not have. What is neither that nor a mistake in the input is a bug, and keeps
    its own type and traceback. Where the caller gives ``allow_code=True``, Python code that is named as ``module:NAME``
    may run during the call.

    Args:
        call: A function of the front door.

    Returns:
        The function, with its name and documentation.
    """

    @functools.wraps(call)
    def told(*args: P.args, **options: P.kwargs) -> R:
        try:
            _check_arguments(call, args, options)
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


def _check_arguments(call: Callable[..., object], given: tuple[object, ...], options: Mapping[str, object]) -> None:
    """Refuse arguments that a function does not take, and too few of them, as Python would.

    Raises:
        DistillirError: There are such; of a misspelt name with the nearest that it has.
    """
    signature = inspect.signature(call)
    try:
        signature.bind(*given, **options)
    except TypeError as error:
        where = f"distillir.{call.__name__}"
        known = list(signature.parameters)
        for name in options:
            if name not in known:
                raise DistillirError(f"unknown argument {name!r}", where=where, remedy=nearest(name, known)) from None
        raise DistillirError(str(error), where=where, remedy=f"its arguments are {', '.join(known)}") from None
