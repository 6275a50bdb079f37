"""Progress with the time left, on stderr, from the first process only: bars, or lines where there is no terminal."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from types import MappingProxyType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from distillir.base.doing import doing
from distillir.base.progress_lines import ProgressLines

console = Console(stderr=True, highlight=False)
#: Descriptions that are told in other words; see `called`.
_CALLED: ContextVar[Mapping[str, str]] = ContextVar("called", default=MappingProxyType({}))
_whole: ContextVar[Callable[[int], None] | None] = ContextVar("whole", default=None)


def is_first_process() -> bool:
    """Tell whether this process is the one that prints (rank 0 under ``accelerate launch``)."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """Print a line for the user, from the first process only."""
    if is_first_process():
        console.print(text, markup=False, soft_wrap=True)


@contextmanager
def called(words: Mapping[str, str]) -> Iterator[None]:
    """Tell `progress` of a block in other words, where its caller knows better than the work what is done.

    Args:
        words: Descriptions as they would be told, and as they are.
    """
    before = _CALLED.set({**_CALLED.get(), **words})
    try:
        yield
    finally:
        _CALLED.reset(before)


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how much of ``total`` units is done; the yielded function advances it by its argument.

    On a terminal, and in a notebook that has ipywidgets, this is a bar. Where output goes into a file or a pipe, or the
    terminal is dumb, it is a line every half minute (`distillir.base.progress_lines`); work that is done before that
    prints nothing. Within `one_progress` nothing is shown, and the units count there.
    """
    whole = _whole.get()
    if whole is not None:
        yield whole
        return
    description, done = _CALLED.get().get(description, description), 0
    with doing(lambda: f"at {description!r} ({done} of {total} done)"):
        if not is_first_process() or not _draws():
            with ProgressLines(description, total, say, silent=not is_first_process()) as lines:

                def step(amount: int) -> None:
                    nonlocal done
                    done += amount
                    lines.advance(amount)

                yield step
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(description, total=total)

            def draw(amount: int) -> None:
                nonlocal done
                done += amount
                bar.advance(task, amount)

            yield draw


@contextmanager
def one_progress(description: str, total: int) -> Iterator[None]:
    """Show all `progress` within as one: for work of many parts, each too short to be told of.

    Args:
        description: What is done.
        total: Units of all parts together, of the same kind as theirs.
    """
    with progress(description, total) as advance:
        token = _whole.set(advance)
        try:
            yield
        finally:
            _whole.reset(token)


def _draws() -> bool:
    """Tell whether bars can be drawn over; colours forced for a log file (FORCE_COLOR) make no terminal of it."""
    if console.is_jupyter:
        return find_spec("ipywidgets") is not None  # without it every bar leaves a warning and an empty output
    try:
        return console.file.isatty() and not console.is_dumb_terminal
    except ValueError:  # a closed file
        return False
