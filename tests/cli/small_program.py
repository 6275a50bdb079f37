"""A command line of a few verbs behind the boundary: ends as distillir does, without the time models take to load."""

import sys
import time
from pathlib import Path

import typer

from distillir.base.doing import doing
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory
from distillir.base.processes import barrier, first_decides, rank
from distillir.cli.boundary import Verbs, run_guarded
from distillir.cli.error_log import keep_errors_beside

app = typer.Typer(cls=Verbs, pretty_exceptions_enable=False)

ERRORS = {
    "mistake": DistillirError("no split 'trian'", where="queries", remedy="choose another"),
    "unexpected": IndexError("list index\nout of range"),
    "memory": MemoryError(),
    "cuda": RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee documentation"),
    "allocation": RuntimeError("std::bad_alloc"),
    "end-of-file": EOFError("Ran out of input"),
    "pipe": BrokenPipeError(32, "Broken pipe"),
    "exit": SystemExit(3),
    "files": OSError(24, "Too many open files", "/some/file"),
    "read-only": OSError(30, "Read-only file system", "/some/file"),
    "long": OSError(36, "File name too long", "/some/file"),
    "room": OSError(28, "No space left on device"),
}


@app.command()
def fail(kind: str, output: Path) -> None:
    """Raise an error while something is done."""
    keep_errors_beside(output)
    with doing("scoring candidates"), doing("asking the teacher tiny"):
        raise ERRORS[kind]


@app.command()
def wait(path: Path) -> None:
    """Make a folder for a very long time."""
    with atomic_directory(path) as made:
        (made / "half").write_text("half")
        sys.stdout.write("waiting\n")
        sys.stdout.flush()
        time.sleep(100)


class Slow:
    """Takes its time to go, and swallows whatever is raised meanwhile, as every finaliser does."""

    def __del__(self) -> None:
        sys.stdout.write("waiting\n")
        sys.stdout.flush()
        time.sleep(5)


@app.command()
def lose(path: Path) -> None:
    """Spend the moment of Ctrl-C in a finaliser, and go on for a very long time."""
    with atomic_directory(path):
        Slow()
        time.sleep(100)


@app.command()
def talk() -> None:
    """Say more than a pipe holds."""
    for _ in range(100_000):
        typer.echo("a line that nobody reads")


@app.command()
def greet() -> None:
    """Write what few encodings have."""
    sys.stdout.write("Käse 東京 \udcff\n")  # click.echo takes ASCII for UTF-8, print and rich do not


@app.command()
def together() -> None:
    """Fail in the second of two processes, while the first waits for it."""
    barrier()
    if rank() == 1:
        raise MemoryError
    barrier()


class TwoWordsError(Exception):
    """Cannot be made again from its text, as errors of some libraries."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} {other}")


@app.command()
def decide() -> None:
    """Fail in what the first of two processes decides for both."""

    def fail_first() -> None:
        raise TwoWordsError("one", "other")

    first_decides(fail_first)


def main() -> None:
    run_guarded(app)


if __name__ == "__main__":
    main()
