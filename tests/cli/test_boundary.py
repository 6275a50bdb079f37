"""Whatever escapes a verb is one line and an exit code; tracebacks are in a file."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from small_program import main

from command_line import in_two

PROGRAM = str(Path(__file__).parent / "small_program.py")


def ended(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and last words of a call in this process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        with patch.object(sys, "argv", ["program", *map(str, arguments)]), pytest.raises(SystemExit) as end:
            main()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return int(end.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("mistake", 2, "distillir: queries: no split 'trian'; choose another"),
        ("memory", 2, "distillir: the memory does not suffice while scoring candidates, asking the teacher tiny"),
        ("cuda", 2, "the memory of the GPU does not suffice"),
        ("allocation", 2, "lower training.token_budget"),
        ("files", 2, "distillir: /some/file: too many open files while scoring candidates"),
        ("read-only", 2, "distillir: /some/file: Read-only file system"),
        ("long", 2, "distillir: /some/file: File name too long"),
        ("room", 2, "distillir: the disk is full while scoring candidates, asking the teacher tiny; free space"),
        ("end-of-file", 1, "unexpected error while scoring candidates, asking the teacher tiny: EOFError: Ran out"),
        ("pipe", 1, "BrokenPipeError"),
        ("exit", 1, "SystemExit: 3"),
        ("unexpected", 1, "IndexError: list index out of range; the traceback is in"),
    ],
)
def test_errors_end_in_one_line(
    kind: str, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (found := ended("fail", kind, tmp_path, capsys=capsys))[0] == code
    assert said in found[1] and len(found[1].splitlines()) == 1
    assert (tmp_path / "distillir-error.log").exists() == (code == 1)


def test_the_traceback_lies_in_the_run_and_goes_when_the_run_goes_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.yaml").touch()
    monkeypatch.chdir(tmp_path)
    _, said = ended("fail", "unexpected", run, capsys=capsys)
    assert f"the traceback is in {run / 'error.log'}" in said
    kept = (run / "error.log").read_text()
    assert "raise ERRORS[kind]" in kept and "command: distillir fail unexpected" in kept
    assert kept.rstrip().endswith("while asking the teacher tiny\nwhile scoring candidates")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    # A folder that is no run's is somebody else's.
    (run / "recipe.yaml").unlink()
    (run / "error.log").unlink()
    _, said = ended("fail", "unexpected", run, capsys=capsys)
    assert "the traceback is in distillir-error.log;" in said and not any(run.iterdir())


def test_where_nothing_can_be_written_the_line_comes_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(tempfile, "tempdir", str(gone))
    code, said = ended("fail", "unexpected", tmp_path, capsys=capsys)
    assert code == 1 and "IndexError" in said and "set DISTILLIR_DEBUG=1" in said
    monkeypatch.setenv("DISTILLIR_DEBUG", "1")
    assert "raise ERRORS[kind]" in ended("fail", "unexpected", tmp_path, capsys=capsys)[1]


@pytest.mark.parametrize(
    ("verb", "number", "code"),
    [("wait", signal.SIGINT, 130), ("wait", signal.SIGTERM, 143), ("lose", signal.SIGINT, 130)],
    ids=["ctrl-c", "sigterm", "ctrl-c that a finaliser swallows"],
)
def test_a_signal_leaves_nothing_half_made(verb: str, number: signal.Signals, code: int, tmp_path: Path) -> None:
    command = [sys.executable, PROGRAM, verb, str(tmp_path / "made")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "waiting\n"
    assert [path.name[:6] for path in tmp_path.iterdir()] == [".made."]
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert said == "\ndistillir: stopped; run the same command again to go on\n"
    assert not any(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, PROGRAM, "wait"]
    first = subprocess.Popen([*command, str(tmp_path / "made")], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None and first.stdout.readline() == "waiting\n"
    first.kill()
    first.wait()
    (left,) = tmp_path.iterdir()
    foreign = tmp_path / ".download.1234.part"
    foreign.touch()
    second = subprocess.Popen([*command, str(tmp_path / "other")], stdout=subprocess.PIPE, text=True)
    assert second.stdout is not None and second.stdout.readline() == "waiting\n"
    names = {path.name for path in tmp_path.iterdir()}
    second.kill()
    second.wait()
    assert left.name not in names and foreign.name in names
    assert len(names) == 2


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("ascii", rb"K\xe4se \u6771\u4eac \udcff"),
        ("cp1252", "Käse ".encode("cp1252") + rb"\u6771\u4eac \udcff"),
        ("utf-8", "Käse 東京 ".encode() + rb"\udcff"),
    ],
)
def test_what_an_encoding_lacks_is_written_as_an_escape(encoding: str, said: bytes) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"}
    done = subprocess.run([sys.executable, PROGRAM, "greet"], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, said, b"")


def test_a_reader_who_leaves_ends_it_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, PROGRAM, "talk"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "a line that nobody reads\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 1


def own_lines(said: str) -> list[str]:
    """What processes said themselves, in order."""
    return sorted(line for line in said.splitlines() if line.startswith("distillir: "))


def started_by_torchrun(folder: Path, *arguments: str) -> list[str]:
    """Own lines of two processes that fail; the other tests of two processes start them themselves."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", PROGRAM, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(launch, env=environment, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    return own_lines(done.stderr)


def test_of_two_processes_each_ends_in_one_line(tmp_path: Path) -> None:
    own = started_by_torchrun(tmp_path, "together")
    # The launcher may end the first before it notices.
    assert own[-1].startswith("distillir: process 1: the memory does not suffice") and len(own) <= 2
    assert all("another process has ended" in line for line in own[:-1])
    assert not any(tmp_path.iterdir())


def test_what_the_first_process_cannot_decide_ends_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = in_two("decide", program=Path(PROGRAM), ACCELERATE_USE_CPU="true")
    assert done.returncode != 0
    own = own_lines(done.stderr)
    assert 1 <= len(own) <= 2 and all("TwoWordsError: one other" in line for line in own)
