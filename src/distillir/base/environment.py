"""Refusals of the machine (room, memory, permission, open files, names), read from the errors of any library."""

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from distillir.base.doing import was_doing
from distillir.base.errors import DistillirError
from distillir.base.files import cache_root

# Libraries in Rust and C++ say it in words; numpy says how much of an array was written; torch's archive of a file
# that ended early says where it should have stood.
_NO_ROOM = re.compile(
    r"No space left on device|\(os error 28\)|Disk quota exceeded|disk is full|not enough space on the disk"
    r"|\d+ requested and \d+ written|unexpected pos \d+ vs \d+|PytorchStreamWriter failed writing"
)
_NO_MEMORY = re.compile(
    r"out of memory|can't allocate memory|Cannot allocate memory|std::bad_alloc|Unable to allocate"
    r"|(CUBLAS|CUDNN)_STATUS_(ALLOC_FAILED|NOT_INITIALIZED)|\(os error 12\)",
    re.IGNORECASE,
)
_TOO_MANY_FILES = re.compile(r"Too many open files|\(os error 24\)")
_NO_TEMPORARY = re.compile(r"No usable temporary directory found")
_ANOTHER_PROCESS = re.compile(
    r"Connection closed by peer|Connection reset by peer|Broken pipe|Socket Timeout|Timed out waiting|remote process"
)

_ROOM = {errno.ENOSPC, errno.EDQUOT}
_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS}
_PATHS = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTEMPTY, errno.EXDEV}
_DEVICE = {errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.EBUSY, errno.ETXTBSY, errno.EFBIG}

GO_ON = "run the same command again: it goes on where it stopped"


def refused_by_machine(error: BaseException) -> DistillirError | None:
    """The one line for an error that says nothing of this program, only of the machine it runs on.

    Args:
        error: Whatever was raised, by any library; what it was raised from is looked at, too.

    Returns:
        What was refused, where, and how to go on; None for any other error.
    """
    doing = was_doing(error)
    for cause in _chain(error):
        if isinstance(cause, DistillirError):
            continue
        if (told := _told(cause, direct=cause is error or cause is error.__cause__, doing=doing)) is not None:
            return told
    return None


def raise_if_refused(error: BaseException) -> None:
    """Raise the line of `refused_by_machine` where there is one: a file that cannot be opened is not damaged.

    Raises:
        DistillirError: The machine refused something.
    """
    if (told := refused_by_machine(error)) is not None:
        raise told from error


def lost_other_process(error: BaseException) -> bool:
    """Tell whether an error says only that another process of this run has ended."""
    return any(_ANOTHER_PROCESS.search(str(cause)) and not isinstance(cause, DistillirError) for cause in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those it came of."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _told(cause: BaseException, *, direct: bool, doing: str) -> DistillirError | None:
    """The line for one error; one that was only being handled when another came counts for room and memory alone."""
    number = cause.errno if isinstance(cause, OSError) else None
    name = cause.filename if isinstance(cause, OSError) else None
    path = os.fsdecode(name) if isinstance(name, str | bytes) else None
    text = str(cause)
    during = f" while {doing}" if doing else ""
    if number in _ROOM or (number is None and _NO_ROOM.search(text)):
        return DistillirError(f"the disk is full{during}", where=path, remedy=f"free space and {GO_ON}")
    if isinstance(cause, MemoryError) or number == errno.ENOMEM or (number is None and _NO_MEMORY.search(text)):
        device = " of the GPU" if "CUDA" in text or "HIP" in text or "MPS" in text else ""
        return DistillirError(
            f"the memory{device} does not suffice{during} ({short_line(text) or type(cause).__name__})",
            remedy="lower training.token_budget or training.queries_per_step (grad_cache: true keeps large steps), "
            f"max_length or candidates.depth, or stop other programs; then {GO_ON}",
        )
    if isinstance(cause, UnicodeEncodeError) and "surrogates" in cause.reason:
        shown = ascii(cause.object[max(0, cause.start - 40) : cause.end + 40])
        return DistillirError(f"{shown} is no Unicode text{during}", remedy="rename the file, or mend the text")
    if _NO_TEMPORARY.search(text):
        return DistillirError(
            f"{short_line(text)}{during}", remedy="free space there, or set TMPDIR to a folder with room"
        )
    if not direct:
        return None
    if number in (errno.EMFILE, errno.ENFILE) or (number is None and _TOO_MANY_FILES.search(text)):
        return DistillirError(
            f"too many open files{during}", where=path, remedy="raise the limit, for example with ulimit -n 65536"
        )
    if number is None or path is None:
        return None
    said = os.strerror(number)
    if number in _ACCESS:
        return DistillirError(f"{said}{during}", where=path, remedy=_other_folder(path))
    if number in _PATHS:
        return DistillirError(f"{said}{during}", where=path, remedy="choose another path")
    if number in _DEVICE:
        return DistillirError(f"{said}{during}", where=path, remedy=f"check the disk, and {GO_ON}")
    return None


def _other_folder(path: str) -> str:
    """Suggest another folder where one may not be written."""
    root = cache_root()
    if Path(path).absolute().is_relative_to(root.absolute()):
        return f"the cache {root} lacks something and may not be written: set DISTILLIR_CACHE to a folder of your own"
    return "check the permissions, or choose a folder you may write to (--output, DISTILLIR_CACHE)"


def short_line(text: str, most: int = 200) -> str:
    """The first line that says something, cut."""
    line = " ".join(next((line for line in text.splitlines() if line.strip()), "").split())
    return line if len(line) <= most else f"{line[: most - 3]}..."
