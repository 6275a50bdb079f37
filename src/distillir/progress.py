"""Progress bars with an estimate of the time left, on stderr, from the first process only."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True, highlight=False)


def is_first_process() -> bool:
    """Whether this process is the one that prints (rank 0 under ``accelerate launch``)."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """Print a line for the user, from the first process only."""
    if is_first_process():
        console.print(text, markup=False, soft_wrap=True)


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar of ``total`` units; the yielded function advances it by its argument."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not is_first_process()) as bar:
        task = bar.add_task(description, total=total)
        yield lambda amount: bar.advance(task, amount)
