"""The command line: in this process, which spares a call the seconds the libraries take to load, or in its own."""

import atexit
import gc
import io
import multiprocessing
import os
import runpy
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
import yaml
from torch._C._distributed_c10d import TCPStore

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


def run_recipe(recipe: dict[str, Any], folder: Path, *flags: str) -> Done:
    """Write a recipe into a folder, made if it is missing, and run it there, into ``run``."""
    folder.mkdir(exist_ok=True)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return distillir("run", folder / "recipe.yaml", "--output", folder / "run", *flags)


class Apart:
    """A program in a process of its own, which can be killed; like `subprocess.Popen`, as far as tests need it.

    It is forked from a process that has loaded the libraries once (`multiprocessing`'s fork server), which spares
    each the seconds of their imports.

    Args:
        arguments: Of the program.
        program: A file, or code, that is run as ``__main__``; the command line where it is None.
        environment: Variables, beside those of this process.
    """

    def __init__(self, *arguments: object, program: Path | str | None = None, **environment: str) -> None:
        context = multiprocessing.get_context("forkserver")
        # Started by the first call, with one thread: what is imported starts none, so that it can be forked.
        context.set_forkserver_preload(["command_line", "loaded"])
        self._folder = tempfile.TemporaryDirectory(prefix="distillir-apart-")  # as long as this
        files = [Path(self._folder.name, name) for name in ("printed", "said")]
        for file in files:
            file.touch()
        self._printed, self._said = files
        there = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        given = (program, list(map(str, arguments)), there, Path.cwd(), *files)
        self._process = context.Process(target=_call, args=given)
        # The fork server imports what lies on its own path, and passes over in silence what does not.
        paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        with patch.dict(os.environ, {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths.rstrip(os.pathsep)}):
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
        return self._said.read_text(encoding="utf-8", errors="replace")

    def printed(self) -> str:
        """What it has written to stdout so far."""
        return self._printed.read_text(encoding="utf-8", errors="replace")


def _call(
    program: Path | str | None,
    arguments: list[str],
    environment: dict[str, str],
    folder: Path,
    printed: Path,
    said: Path,
) -> None:
    """In the process apart: as if it had been started with these."""
    gc.freeze()  # of the libraries, which it would walk through again and again
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, path in ((1, printed), (2, said)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    try:
        if program is None:
            sys.argv = ["distillir", *arguments]
            main()
        elif isinstance(program, Path):
            sys.argv = [str(program), *arguments]
            sys.path.insert(0, str(program.parent))
            runpy.run_path(str(program), run_name="__main__")
        else:
            sys.argv = ["-c", *arguments]
            exec(compile(program, "<code>", "exec"), {"__name__": "__main__"})
    finally:
        atexit._run_exitfuncs()  # which a forked process would leave out


def apart(*arguments: object, **environment: str) -> Apart:
    """Start the command line in a process of its own, which can be killed."""
    return Apart(*arguments, **environment)


#: Put before a program: distillir is not loaded, and cannot be.
_WITHOUT = """
import sys
for name in [name for name in sys.modules if name.partition(".")[0] == "distillir"]:
    del sys.modules[name]
sys.modules["distillir"] = None
"""


def without_distillir(code: str) -> str:
    """What code prints where distillir cannot be imported, as where a student is used."""
    done = Apart(program=_WITHOUT + code)
    assert done.wait(120) == 0, done.written()
    return done.printed()


class Two:
    """A program in two processes that work together, as ``torchrun --nproc_per_node 2`` starts them.

    The launcher's part is done here: its variables, and the store by which the two find each other.

    Args:
        arguments: Of the program.
        program: See `Apart`.
        environment: Variables, beside those of this process.
    """

    def __init__(self, *arguments: object, program: Path | str | None = None, **environment: str) -> None:
        self._store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        told = {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(self._store.port),
            "WORLD_SIZE": "2",
            "LOCAL_WORLD_SIZE": "2",
            "TORCHELASTIC_RUN_ID": "none",
            "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_RESTART_COUNT": "0",
            "TORCHELASTIC_MAX_RESTARTS": "0",
        }
        ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)]
        self._both = [Apart(*arguments, program=program, **told, **rank, **environment) for rank in ranks]

    def wait(self, timeout: float = 240.0) -> Done:
        """Wait for both to end. Where one fails or time is up, the other is killed; the code is the first failed one's.

        What they wrote is given one after the other.
        """
        deadline, codes = time.monotonic() + timeout, [one.poll() for one in self._both]
        while None in codes and time.monotonic() < deadline and not any(codes):
            time.sleep(0.02)
            codes = [one.poll() for one in self._both]
        failed = next((code for code in codes if code), 0)
        if None in codes:
            failed = failed or -signal.SIGKILL
            for one in self._both:
                one.kill()
                one.wait()
        printed, said = ("".join(map(read, self._both)) for read in (Apart.printed, Apart.written))
        return Done(failed, printed, said)


def in_two(*arguments: object, program: Path | str | None = None, timeout: float = 240.0, **environment: str) -> Done:
    """Have two processes do it together, see `Two`."""
    return Two(*arguments, program=program, **environment).wait(timeout)


def kill_once(process: subprocess.Popen[Any] | Apart, reached: Callable[[], object], *, within: float = 90.0) -> None:
    """SIGKILL as soon as something is so, or has not become so in that many seconds."""
    deadline = time.monotonic() + within
    while not reached() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
