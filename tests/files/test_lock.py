"""The lock of a folder: who writes refuses others at once; who only reads is waited for, and waits."""

import threading
from pathlib import Path

import pytest
from filelock import FileLock

from distillir.base.errors import DistillirError
from distillir.base.lock import HOLDER_FILE, LOCK_FILE, READING, locked


class _Other:
    """Another holder of the lock."""

    def __init__(self, folder: Path, says: str | None) -> None:
        self._lock = FileLock(folder / LOCK_FILE, thread_local=False, is_singleton=False)
        self._lock.acquire()
        if says is not None:
            (folder / HOLDER_FILE).write_text(says)

    def release(self) -> None:
        self._lock.release()


def test_another_writer_is_refused_at_once(tmp_path: Path) -> None:
    other = _Other(tmp_path, "process 7 on here")
    with pytest.raises(DistillirError, match=r"another command is writing into this folder \(process 7 on here\)"):
        locked(tmp_path).__enter__()
    other.release()
    with locked(tmp_path):
        assert READING not in (tmp_path / HOLDER_FILE).read_text()


@pytest.mark.parametrize("reading, says", [(True, "process 7 on here"), (False, f"process 7 on here, {READING}")])
def test_who_only_reads_waits_and_is_waited_for(
    tmp_path: Path, reading: bool, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = _Other(tmp_path, says)
    threading.Timer(0.6, other.release).start()
    with locked(tmp_path, reading=reading):
        assert (tmp_path / HOLDER_FILE).read_text().strip().endswith(READING) == reading
    assert "waiting for another command (process 7 on here" in capsys.readouterr().err


@pytest.mark.parametrize("left", [None, "process 5 on here"])
def test_a_reader_that_has_not_said_so_yet_is_waited_for(tmp_path: Path, left: str | None) -> None:
    """A writer comes between a reader's lock and its note, be the note of a killed writer there still or not."""
    other = _Other(tmp_path, left)
    threading.Timer(0.25, lambda: (tmp_path / HOLDER_FILE).write_text(f"process 7 on here, {READING}")).start()
    threading.Timer(1.0, other.release).start()
    with locked(tmp_path):
        assert READING not in (tmp_path / HOLDER_FILE).read_text()


def test_who_never_says_what_for_is_taken_for_a_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distillir.base.lock.UNSAID", 0.3)
    other = _Other(tmp_path, None)
    with pytest.raises(DistillirError, match="another command is writing into this folder"):
        locked(tmp_path).__enter__()
    other.release()


def test_it_waits_no_longer_than_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distillir.base.lock.PATIENCE", 0.3)
    other = _Other(tmp_path, "process 7 on here")
    with pytest.raises(DistillirError, match="another command is writing"):
        locked(tmp_path, reading=True).__enter__()
    other.release()
