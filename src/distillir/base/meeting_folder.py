"""Folders that live as long as the process that holds them; those that nobody holds any more are removed."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_LOCK = ".lock"


@contextmanager
def own_folder(parent: Path) -> Iterator[str]:
    """Name of a new folder of this process in ``parent``, not made yet, and removed in the end.

    It is held by a lock beside it, which is the system's and ends with the process. Folders there whose lock nobody
    holds are removed first: they were left by a kill. Where a file system has no locks, none is.

    Args:
        parent: Where it lies; made if it is missing.
    """
    parent.mkdir(parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    lock = FileLock(_lock_file(parent, name))
    with suppress(OSError, NotImplementedError):
        lock.acquire()
        _remove_left(parent, name)
    try:
        yield name
    finally:
        _remove(parent, name)
        lock.release()


def _remove_left(parent: Path, own: str) -> None:
    """Remove the folders that no process holds."""
    for name in {path.name.removesuffix(_LOCK) for path in parent.iterdir()} - {own}:
        lock = FileLock(_lock_file(parent, name))
        with suppress(Timeout, OSError, NotImplementedError):
            lock.acquire(timeout=0)
            _remove(parent, name)
            lock.release()


def _remove(parent: Path, name: str) -> None:
    """Remove a folder and then its lock, which is held: who waits for it finds nothing there."""
    shutil.rmtree(parent / name, ignore_errors=True)
    with suppress(OSError):
        _lock_file(parent, name).unlink(missing_ok=True)


def _lock_file(parent: Path, name: str) -> Path:
    return parent / f"{name}{_LOCK}"
