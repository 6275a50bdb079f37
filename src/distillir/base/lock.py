"""The lock of an output folder: one command at a time writes into it."""

import errno
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from distillir.base.errors import DistillirError
from distillir.base.processes import first_decides, rank
from distillir.base.progress import say

LOCK_FILE = ".lock"
#: Who holds the lock, for the message; the lock itself is the system's, and ends with the process that holds it.
HOLDER_FILE = ".lock-holder"
#: What a holder says of itself that only looks at the files, and seconds that others wait for it, and it for others.
READING, PATIENCE = "reading", 60.0
#: Seconds within which a holder has said what it does.
UNSAID = 2.0
_MAY_NOT = (errno.EACCES, errno.EPERM, errno.EROFS)
#: Of file systems without locks (some network mounts).
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


#: What is said where the lock is held, before who holds it, and how to mend that.
HELD = ("another command is writing into this folder", "wait until it has ended, or choose another --output")


class LockHeldError(DistillirError):
    """Another command holds the lock."""


@contextmanager
def locked(
    folder: Path, *, beside: bool = False, reading: bool = False, held: tuple[str, str] = HELD
) -> Iterator[None]:
    """Hold the lock of a folder; a lock that a killed command left behind does not count.

    Several processes of one command share it: the first one holds it.

    Args:
        folder: What is written into.
        beside: Whether the lock lies beside the folder, which need not exist, and not in it.
        reading: Whether the holder only looks at what is there, for a moment: others wait for it, and it for them.
        held: What is said where another holds it, and the remedy.

    Raises:
        LockHeldError: Another command holds it.
        DistillirError: The folder may not be written.
        OSError: The machine refuses something else, for example for want of room.
    """
    file, holder = folder / LOCK_FILE, folder / HOLDER_FILE
    if beside:
        file, holder = (folder.with_name(f".{folder.name}{name}") for name in (LOCK_FILE, HOLDER_FILE))
    lock = FileLock(file)
    first_decides(lambda: _acquire(lock, holder, folder, beside, reading, held))
    try:
        yield
    finally:
        if rank() == 0:
            for path in (holder, file):  # before the release: afterwards they may be another's
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            lock.release()


def held_by(folder: Path) -> str:
    """The process that holds the lock of a folder to write into it, as messages say it; empty where none does.

    Args:
        folder: What is written into. Nothing is made in it.
    """
    file, holder = folder / LOCK_FILE, "another process"
    if not file.is_file():
        return ""
    with suppress(OSError):
        holder = (folder / HOLDER_FILE).read_text(encoding="utf-8").strip() or holder
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return "" if holder.endswith(READING) else holder
    except (OSError, NotImplementedError):
        return ""  # it cannot be told
    lock.release()
    return ""


def _acquire(
    lock: FileLock, holder_file: Path, folder: Path, beside: bool, reading: bool, held: tuple[str, str]
) -> None:
    try:
        _wait(lock, holder_file, reading)
    except Timeout:
        holder = ""
        with suppress(OSError):
            holder = f" ({holder_file.read_text(encoding='utf-8').strip()})"
        raise LockHeldError(f"{held[0]}{holder}", where=folder, remedy=held[1]) from None
    except (OSError, NotImplementedError) as error:
        number = error.errno if isinstance(error, OSError) else errno.ENOSYS
        if number in _MAY_NOT:
            raise DistillirError(
                f"may not be written ({os.strerror(number)})",
                where=folder.parent if beside else folder,
                remedy="check the permissions, or choose another --output",
            ) from None
        if number not in _NO_LOCKS:
            raise
        say(f"{folder}: this file system has no locks: start no second command on this folder")
        return
    with suppress(OSError):
        what = f", {READING}" if reading else ""
        holder_file.write_text(f"process {os.getpid()} on {platform.node()}{what}\n", encoding="utf-8")


def _wait(lock: FileLock, holder_file: Path, reading: bool) -> None:
    """Take the lock at once, or wait where this command or the other one only reads.

    Who has just taken it may not have said yet what for: only a holder that two looks find the same, and that has said
    it, is taken for one that writes; one that never says so after `UNSAID` seconds.

    Raises:
        Timeout: Another command holds it, and writes or does not end.
    """
    begun, told, before = time.monotonic(), False, None
    while True:
        try:
            lock.acquire(timeout=0.2)
            return
        except Timeout:
            holder = ""
            with suppress(OSError):
                holder = holder_file.read_text(encoding="utf-8").strip()
            waited, patient = time.monotonic() - begun, reading or holder.endswith(READING)
            said = holder == before and (bool(holder) or waited > UNSAID)
            if (not patient and said) or waited > PATIENCE:
                raise
            before = holder
            if patient and not told:
                say(f"{holder_file.parent}: waiting for another command ({holder})")
                told = True
