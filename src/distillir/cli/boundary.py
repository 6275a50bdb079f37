"""The one place where errors end: any error that escapes a verb becomes one line and an exit code."""

import io
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from typer.core import TyperGroup

from distillir.base.doing import was_doing
from distillir.base.environment import lost_other_process, refused_by_machine
from distillir.base.errors import DistillirError
from distillir.base.processes import rank, world_size
from distillir.cli.error_log import forget_errors, keep_errors_beside, write_traceback

#: Set to 1, tracebacks are printed, too.
DEBUG = "DISTILLIR_DEBUG"
MISTAKE, UNEXPECTED = 2, 1

_stopped_by: int | None = None


class EscapedError(Exception):
    """Carries an error past typer, which takes some kinds for its own: EOFError for "Aborted!", EPIPE for silence."""


class Verbs(TyperGroup):
    """The group of all verbs; hands errors on to `end` as they are."""

    def invoke(self, ctx: Any) -> Any:
        """Call the verb."""
        try:
            return super().invoke(ctx)
        except (OSError, EOFError) as error:
            if isinstance(error, BrokenPipeError) and _reader_is_gone():
                raise  # `distillir list | head`: typer ends it without a word
            raise EscapedError from error
        except SystemExit as error:
            # rich ends a program whose output nobody reads any more; any other library has no business ending ours.
            if _stopped_by is None and error.code and not _reader_is_gone():
                raise EscapedError from error
            raise


def run_guarded(call: Callable[[], object]) -> NoReturn:
    """Call the command line, and end the program however it ends.

    Args:
        call: Calls a typer application whose group is `Verbs`.
    """
    watch_signals()
    keep_errors_beside(None)
    write_every_character()
    before, sys.unraisablehook = sys.unraisablehook, _stop_again
    try:
        call()
    except SystemExit as ended:
        code = exit_code(ended.code)
        if not code:
            forget_errors()
        sys.exit(code)
    except BaseException as error:
        end(error)
    finally:
        sys.unraisablehook = before
    sys.exit(0)


def write_every_character() -> None:
    """Let both streams write what their encoding lacks (the C locale, cp1252) as escapes, and never end a program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def watch_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal end the program by an exception, so that half-made files are removed.

    Of several processes the launcher ends all, and a process that waits for another one hears no exception: there
    SIGTERM stays what it is.
    """
    global _stopped_by
    _stopped_by = None
    signal.signal(signal.SIGINT, _stopped)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # nohup lets a program outlive its terminal: what is ignored stays so.
        if number is not None and world_size() == 1 and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _stopped)


def _stopped(number: int, frame: FrameType | None) -> None:
    """Say how to go on, and stop; a second signal stops at once."""
    global _stopped_by
    _stopped_by = number
    signal.signal(number, signal.SIG_DFL)
    if rank() == 0:
        _write("\ndistillir: stopped; run the same command again to go on\n")
    raise KeyboardInterrupt


def _stop_again(lost: "sys.UnraisableHookArgs") -> None:
    """Stop once more where the exception that stops the program was lost: a finaliser it comes up in swallows it."""
    if _stopped_by is None or not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    signal.signal(_stopped_by, _raise_interrupt)
    again = threading.Timer(0.05, os.kill, (os.getpid(), _stopped_by))
    again.daemon = True
    again.start()


def _raise_interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


def exit_code(asked: int | str | None) -> int:
    """The exit code of a program that ends by ``SystemExit``: 128 and the signal's number where one stopped it."""
    if _stopped_by is not None:
        return 128 + _stopped_by
    return asked if isinstance(asked, int) else 0 if asked is None else UNEXPECTED


def end(error: BaseException) -> NoReturn:
    """Print an error in one line, and end the program.

    Exit codes: 2 for a mistake in the input and for what the machine refused, 1 for the unexpected, 128 and the
    signal's number where one stopped the program (Ctrl-C: 130).
    """
    if isinstance(error, EscapedError) and error.__cause__ is not None:
        error = error.__cause__
    if _stopped_by is not None or isinstance(error, KeyboardInterrupt):
        _leave(128 + (_stopped_by or signal.SIGINT))
    if os.environ.get(DEBUG) == "1":
        _write("".join(traceback.format_exception(error)))
    told = error if isinstance(error, DistillirError) else refused_by_machine(error)
    process = f"process {rank()}: " if rank() else ""
    if told is not None:
        _write(f"distillir: {process}{told}\n")
        _leave(MISTAKE)
    doing = was_doing(error)
    during = f" while {doing}" if doing else ""
    if world_size() > 1 and lost_other_process(error):
        _write(f"distillir: process {rank()}: another process has ended{during}; its own message says why\n")
        _leave(UNEXPECTED)
    file = write_traceback(error)
    kept = f"the traceback is in {file}" if file else f"its traceback could not be written: set {DEBUG}=1 to see it"
    said = " ".join(str(error).split())
    kind = type(error).__name__
    what = f"unexpected error{during}: {kind}{f': {said[:300]}' if said else ''}"
    _write(f"distillir: {process}{what}; {kept}; please report it with that file\n")
    _leave(UNEXPECTED)


def _leave(code: int) -> NoReturn:
    if world_size() > 1:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)  # other processes may wait for this one: leave without their barriers
    sys.exit(code)


def _write(text: str) -> None:
    """Write to stderr, unless nobody reads it any more."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _reader_is_gone() -> bool:
    """Tell whether whoever read this program's output has left."""
    for stream in (sys.stdout, sys.stderr):
        try:
            poll = select.poll()
            poll.register(stream.fileno(), select.POLLOUT)
            if any(event & select.POLLERR for _, event in poll.poll(0)):
                return True
        except (AttributeError, OSError, ValueError):  # no such call on this system, or a stream without a file
            continue
    return False
