"""The command line: in this process, which spares a call the seconds the libraries take to load, or in its own."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from distillir.cli import main


@dataclass(frozen=True)
class Done:
    """What a call left: its exit code and what it said."""

    returncode: int
    stdout: str
    stderr: str


def distillir(*arguments: object, **environment: str) -> Done:
    """Call it here, with one thread, as `apart` has it. An exception that it should have told in a line is raised."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    threads, on_interrupt = torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    torch.set_num_threads(1)
    try:
        with (
            patch.dict(os.environ, environment),
            patch.object(sys, "argv", ["distillir", *map(str, arguments)]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        torch.set_num_threads(threads)
        signal.signal(signal.SIGINT, on_interrupt)
    return Done(code, out.getvalue(), err.getvalue())


class Apart:
    """A call in a process of its own, which can be killed. Its like with `subprocess.Popen`, as far as tests need it.

    It is forked from a process that has loaded the libraries once (`multiprocessing`'s fork server), which spares
    each call the seven seconds of their imports.
    """

    def __init__(self, *arguments: object, **environment: str) -> None:
        context = multiprocessing.get_context("forkserver")
        # Started by the first call, with one thread: what is imported starts none, so that it can be forked.
        context.set_forkserver_preload(["command_line", "distillir.cli.app", "distillir.training.train"])
        self._said = tempfile.NamedTemporaryFile()  # noqa: SIM115 - as long as this
        there = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        given = (list(map(str, arguments)), there, Path.cwd(), Path(self._said.name))
        self._process = context.Process(target=_call, args=given)
        with patch.dict(os.environ, {"OMP_NUM_THREADS": "1"}):
            self._process.start()

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None as long as it runs."""
        return self._process.exitcode

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, as `returncode`."""
        return self.returncode

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def send_signal(self, number: int) -> None:
        """Send any other."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end."""
        self._process.join(timeout)
        if self.returncode is None:
            self.kill()
            raise TimeoutError(self.written())
        return self.returncode

    def said(self, timeout: float | None = None) -> str:
        """Wait for its end; what it wrote to stderr."""
        self.wait(timeout)
        return self.written()

    def written(self) -> str:
        """What it has written to stderr so far."""
        return Path(self._said.name).read_text(encoding="utf-8", errors="replace")


def _call(arguments: list[str], environment: dict[str, str], folder: Path, said: Path) -> None:
    """In the process apart: as if it had been started with these."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    with said.open("wb") as file, Path(os.devnull).open("wb") as nothing:
        os.dup2(file.fileno(), 2)
        os.dup2(nothing.fileno(), 1)
    sys.argv = ["distillir", *arguments]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()


def apart(*arguments: object, **environment: str) -> Apart:
    """Start it in a process of its own, which can be killed."""
    return Apart(*arguments, **environment)


def kill_once(process: subprocess.Popen[Any] | Apart, reached: Callable[[], object], *, within: float = 90.0) -> None:
    """SIGKILL as soon as something is so, or has not become so in that many seconds."""
    deadline = time.monotonic() + within
    while not reached() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
