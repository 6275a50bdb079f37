"""Half-made files of killed processes: their names hold the process, and those of dead processes are removed."""

import os
import platform
import re
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import xxhash

#: Ends of the names of what is being made, and of what is being replaced.
PART, OLD = ".part", ".old"
_OURS = re.compile(r"^\..+\.(?P<space>[0-9a-f]{8})-(?P<process>\d+)-[^.]*\.(part|old)$")
#: What a process that cannot be asked left (of another machine, or before a restart) is removed after so long.
_SECONDS_KEPT = 7 * 24 * 3600.0

_swept: set[tuple[int, Path]] = set()


def own_mark() -> str:
    """The part of a temporary file's name that identifies the process which makes it."""
    return f"{_process_space()}-{os.getpid()}-"


def is_half_made(path: Path) -> bool:
    """Tell whether `own_mark` made a name: the file is being written, or was left by a kill."""
    return _OURS.match(path.name) is not None


def sweep(folder: Path) -> None:
    """Remove what dead processes left half-made in a folder; once a folder, and never an error."""
    key = os.getpid(), folder
    if key in _swept:
        return
    _swept.add(key)
    try:
        entries = [entry.path for entry in os.scandir(folder) if entry.name.endswith((PART, OLD))]
    except OSError:
        return
    for name in entries:
        path = Path(name)
        if not _is_left(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _is_left(path: Path) -> bool:
    """Tell whether nobody makes a half-made file any more."""
    ours = _OURS.match(path.name)
    if ours is None:
        return False
    if ours["space"] == _process_space():
        return not _lives(int(ours["process"]))
    try:
        newest = max(file.stat().st_mtime for file in (path, *path.rglob("*")))
    except OSError:  # it is just being removed
        return False
    return time.time() - newest > _SECONDS_KEPT


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


@cache
def _process_space() -> str:
    """Name of the space in which process numbers are unique: this machine since its start, this container."""
    parts = [platform.node()]
    with suppress(OSError):  # a system without /proc
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return xxhash.xxh3_64_hexdigest("\0".join(parts).encode())[:8]
