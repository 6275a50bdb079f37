"""Segments of a score cache that nobody writes any more, merged into sorted files while others read and append."""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from distillir.base.progress import say
from distillir.teachers.answers.records import RECORD, checksums, unpack
from distillir.teachers.answers.sorted_scores import Columns, SortedScores, write_sorted

#: Scores in closed segments from which on they are merged; below, they are read into memory.
COMPACT_FROM = 1 << 20
#: Scores that are sorted in memory at a time.
_BATCH = 1 << 22
#: Seconds that a process waits for another that merges; then it reads what is there.
_PATIENCE = 900.0
#: Seconds that a segment must not have grown for: a guard where locks do not reach, or writers hold none.
QUIET = 60.0
_LOCK = ".compacting.lock"

_told: set[Path] = set()
try:
    import fcntl as _fcntl

    _locks: Any = _fcntl
except ModuleNotFoundError:  # Windows: nothing is merged there
    _locks = None


def lock_segment(handle: int) -> None:
    """Mark an open segment as one that is written; the mark ends with its handle, or its process."""
    if _locks is not None:
        with suppress(OSError):  # file systems without locks: nothing is merged there
            _locks.flock(handle, _locks.LOCK_EX)


def compact(folder: Path) -> None:
    """Merge the closed segments of a cache into a sorted file, if they hold at least `COMPACT_FROM` scores.

    The sorted file is whole and on disk before a segment is removed: a kill at any moment leaves every score in one of
    them. A segment that is written, by whichever process, is left alone. Sorted files of at most twice the size are
    merged along, so that there are few. Where the folder may not be written, or knows no locks, nothing is done.
    """
    if _locks is None or _records(folder) < COMPACT_FROM:
        return
    try:
        with _alone(folder) as alone, ExitStack() as held:
            if not alone or _records(folder) < COMPACT_FROM:
                return
            _remove_replaced(folder)
            closed = [file for file in sorted(folder.glob("*.scores")) if _is_closed(file, held)]
            if sum(file.stat().st_size for file in closed) // RECORD.itemsize >= COMPACT_FROM:
                _merge(folder, closed)
    except OSError as error:
        if folder in _told:
            return
        _told.add(folder)
        say(f"the score cache {folder} stays as it is ({error.strerror}); its scores are read into memory")


def _records(folder: Path) -> int:
    total = 0
    for file in folder.glob("*.scores"):
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total // RECORD.itemsize


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder's merging; yields whether it is held."""
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        end = time.monotonic() + _PATIENCE
        while not (got := _try_lock(handle)) and time.monotonic() < end:
            time.sleep(0.1)
        yield got
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        _locks.flock(handle, _locks.LOCK_EX | _locks.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_closed(file: Path, held: ExitStack) -> bool:
    """Tell whether nobody writes a segment; its lock is then held until it is merged."""
    if time.time() - file.stat().st_mtime < QUIET:
        return False
    stream: IO[bytes] = file.open("rb")
    if _try_lock(stream.fileno()):
        held.enter_context(stream)
        return True
    stream.close()
    return False


def _remove_replaced(folder: Path) -> None:
    """Remove what a merging that was killed has left: sorted files behind its own, batches."""
    for file in folder.glob(".*.batch"):
        file.unlink(missing_ok=True)
    files = {file.name: file for file in folder.glob("*.sorted")}
    for name in {name for file in files.values() for name in SortedScores(file).replaced}:
        if name in files:
            files[name].unlink(missing_ok=True)


def _merge(folder: Path, closed: list[Path]) -> None:
    fresh = sum(file.stat().st_size for file in closed) // RECORD.itemsize
    older: list[tuple[Path, SortedScores]] = []
    # The smallest first; equal keys are kept of the oldest.
    for scores, file in sorted(((SortedScores(f), f) for f in folder.glob("*.sorted")), key=lambda pair: len(pair[0])):
        if len(scores) <= 2 * (fresh + sum(len(known) for _, known in older)):
            older.append((file, scores))
    older.sort(key=lambda pair: pair[0].name)
    with ExitStack() as temporary:
        batches = [_kept_apart(folder, batch, temporary) for batch in _batches(closed)]
        target = folder / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}.sorted"
        sources = [scores.columns for _, scores in older] + batches
        write_sorted(target, sources, [file.name for file, _ in older])
    for file in [file for file, _ in older] + closed:
        file.unlink(missing_ok=True)


def _kept_apart(folder: Path, batch: Columns, temporary: ExitStack) -> Columns:
    """A sorted batch as a mapped file that is gone with the process."""
    file = folder / f".{uuid.uuid4().hex}.batch"
    temporary.callback(file.unlink, missing_ok=True)
    write_sorted(file, [batch])
    mapped = SortedScores(file).columns
    file.unlink()  # the mapping holds it
    return mapped


def _batches(files: list[Path]) -> Iterator[Columns]:
    """Sorted scores of segments, at most `_BATCH` at a time; spoilt and torn records are left out."""
    held: list[np.ndarray[tuple[int], np.dtype[np.uint8]]] = []
    size = 0
    for file in files:
        with file.open("rb") as stream:
            while True:
                data = np.fromfile(stream, dtype=np.uint8, count=(_BATCH - size) * RECORD.itemsize)
                whole = len(data) // RECORD.itemsize
                if not whole:
                    break
                held.append(data[: whole * RECORD.itemsize])
                size += whole
                if size == _BATCH:
                    yield _columns(np.concatenate(held))
                    held, size = [], 0
    if held:
        yield _columns(np.concatenate(held))


def _columns(data: "np.ndarray[tuple[int], np.dtype[np.uint8]]") -> Columns:
    keys, scores = unpack(data)
    order = np.argsort(keys[:, 0], kind="stable")
    keys, scores = keys[order], scores[order]
    first, second = (np.ascontiguousarray(keys[:, half]) for half in (0, 1))
    return Columns(first, second, scores, checksums(keys, scores))
