"""The lock of an output folder: one command at a time writes into it."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from distillir.errors import DistillirError
from distillir.parallel import first_decides, rank

LOCK_FILE = ".lock"
#: Who holds the lock, for the message; the lock itself is the system's, and ends with the process that holds it.
HOLDER_FILE = ".lock-holder"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of an existing folder; a lock that a killed command left behind does not count.

    Several processes of one command share it: the first one holds it.

    Raises:
        DistillirError: Another command holds it.
    """
    lock = FileLock(folder / LOCK_FILE)
    first_decides(lambda: _acquire(lock, folder))
    try:
        yield
    finally:
        if rank() == 0:
            for name in (HOLDER_FILE, LOCK_FILE):  # before the release: afterwards they may be another's
                with suppress(OSError):
                    (folder / name).unlink(missing_ok=True)
            lock.release()


def _acquire(lock: FileLock, folder: Path) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = ""
        with suppress(OSError):
            holder = f" ({(folder / HOLDER_FILE).read_text(encoding='utf-8').strip()})"
        raise DistillirError(
            f"another command is writing into this folder{holder}",
            where=folder,
            remedy="wait until it has ended, or choose another --output",
        ) from None
    with suppress(OSError):
        (folder / HOLDER_FILE).write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
