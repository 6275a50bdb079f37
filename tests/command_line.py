"""The command line: in this process, which spares a call the seconds the libraries take to load, or in its own."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
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


def apart(*arguments: object, stderr: Any = subprocess.DEVNULL, **environment: str) -> subprocess.Popen[str]:
    """Start it in a process of its own, which can be killed."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-m", "distillir", *map(str, arguments)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=stderr, text=True)


def kill_once(process: subprocess.Popen[Any], reached: Callable[[], object], *, within: float = 90.0) -> None:
    """SIGKILL as soon as something is so, or has not become so in that many seconds."""
    deadline = time.monotonic() + within
    while not reached() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
