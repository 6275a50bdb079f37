"""The score cache: append-only, content-addressed, safe against a kill at any moment."""

import os
import time
import uuid
from pathlib import Path

import numpy as np

from distillir.base.arrays import Scores
from distillir.base.errors import DistillirError
from distillir.teachers.answers.compaction import COMPACT_FROM, compact, lock_segment
from distillir.teachers.answers.keys import Keys
from distillir.teachers.answers.records import RECORD, pack, unpack
from distillir.teachers.answers.sorted_scores import SortedScores, find_keys

SYNC_SECONDS = 1.0
#: Times that files are listed anew while another process merges them.
_ATTEMPTS = 100


class ScoreCache:
    """Scores of one teacher, kept by the content of query and document.

    Every process appends to a segment of its own and reads all. A record that a kill tore, or that a disk spoilt,
    fails its checksum and counts as missing. In memory a record takes 20 bytes, in sorted arrays; once closed segments
    hold a million, they are merged into ``*.sorted`` files, which are mapped and take no memory of their own
    (`distillir.teachers.answers.compaction`).

    Args:
        folder: The teacher's folder, one ``*.scores`` file a segment.
        compacts: Whether segments may be merged; else the folder stays as it is.

    Attributes:
        asked: Scores put by this process.
        hit: Keys that `get` found.
    """

    def __init__(self, folder: Path, *, compacts: bool = True) -> None:
        self.folder, self._compacts = folder, compacts
        self.asked = self.hit = 0
        self._handle: int | None = None
        self._own = _new_name()
        self._sorted: dict[str, SortedScores] = {}
        self._read: dict[str, int] = {}
        self._runs: list[tuple[Keys, Scores]] = []
        self._synced = 0.0
        self.refresh()

    def __len__(self) -> int:
        return sum(len(scores) for _, scores in self._runs) + sum(len(scores) for scores in self._sorted.values())

    def refresh(self) -> None:
        """Read what other processes have appended since; where that is much, it is merged into sorted files first."""
        if self._compacts:
            compact(self.folder)
        for attempt in range(_ATTEMPTS):
            try:
                self._look()
                return
            except FileNotFoundError:  # merged into a sorted file by another process, just now
                if attempt == _ATTEMPTS - 1:
                    raise

    def _look(self) -> None:
        """Read what is new.

        Raises:
            FileNotFoundError: A file has gone meanwhile: what it held is in a newer one.
        """
        # Segments are listed before sorted files, and read after those are open: what is merged meanwhile is missed
        # in a segment that is gone, never in both.
        segments = sorted(self.folder.glob("*.scores"))
        names = sorted(file.name for file in self.folder.glob("*.sorted"))
        opened = {name: self._sorted.get(name) or SortedScores(self.folder / name) for name in names}
        # Where sorted files are new, what was read of segments is in them, or in segments that are still there.
        anew = opened.keys() != self._sorted.keys()
        known = {} if anew else self._read
        found: list[tuple[Keys, Scores]] = []
        read: dict[str, int] = {}
        for segment in segments:
            start, end = known.get(segment.name, 0), segment.stat().st_size
            end -= end % RECORD.itemsize
            if (segment.name == self._own and not anew) or end <= start:
                continue
            found.append(unpack(np.fromfile(segment, dtype=np.uint8, count=end - start, offset=start)))
            read[segment.name] = end
        self._sorted, self._read = opened, known | read
        if anew:
            self._runs = []
        if found:
            self._add(np.concatenate([keys for keys, _ in found]), np.concatenate([scores for _, scores in found]))

    def get(self, keys: Keys) -> Scores:
        """Scores [N] of keys [N, 2], NaN where there is none."""
        scores = np.full(len(keys), np.nan, dtype=np.float32)
        for known, values in self._runs:
            missing = np.flatnonzero(np.isnan(scores))
            places = find_keys(known[:, 0], known[:, 1], keys[missing])
            scores[missing[places >= 0]] = values[places[places >= 0]]
        for mapped in self._sorted.values():
            missing = np.flatnonzero(np.isnan(scores))
            if len(missing):
                scores[missing] = mapped.get(keys[missing])
        self.hit += int(np.count_nonzero(~np.isnan(scores)))
        return scores

    def put(self, keys: Keys, scores: Scores) -> None:
        """Append scores; after the call they survive a kill, and within a second (or after `close`) a power cut.

        Raises:
            DistillirError: A score is not finite, or the disk is full (what was written before stays).
        """
        if not np.all(np.isfinite(scores)):
            raise DistillirError("a score that is not finite cannot be kept", where=self.folder)
        if not len(keys):
            return
        try:
            handle = self._open()
            data = memoryview(pack(keys, scores))
            whole = os.fstat(handle).st_size
            try:
                while data:
                    data = data[os.write(handle, data) :]
            except OSError:
                # A torn record would shift all that follow it.
                os.ftruncate(handle, whole)
                raise
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(handle)
                self._synced = time.monotonic()
        except OSError as error:
            raise DistillirError(
                f"scores cannot be written ({error.strerror})",
                where=self.folder,
                remedy="make room or set DISTILLIR_CACHE to another disk; what is written stays",
            ) from None
        self.asked += len(keys)
        self._add(np.asarray(keys, dtype=np.uint64), np.asarray(scores, dtype=np.float32))
        if whole + len(keys) * RECORD.itemsize >= COMPACT_FROM * RECORD.itemsize:
            self.close()

    def _open(self) -> int:
        """The handle of this process's segment; a new one where its file was removed under it."""
        if self._handle is not None and os.fstat(self._handle).st_nlink:
            return self._handle
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            if self._handle is not None:
                os.close(self._handle)
                self._handle, self._own = None, _new_name()
            self._handle = os.open(self.folder / self._own, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            lock_segment(self._handle)
            if os.fstat(self._handle).st_nlink:
                return self._handle

    def close(self) -> None:
        """Sync and close this process's segment; a later `put` opens a new one."""
        if self._handle is not None:
            os.fsync(self._handle)
            self._read[self._own] = os.fstat(self._handle).st_size
            os.close(self._handle)
            self._handle = None
            self._own = _new_name()

    def _add(self, keys: Keys, scores: Scores) -> None:
        """Add a sorted run, merging runs of similar size: few runs to search, few copies to make."""
        order = np.argsort(keys[:, 0], kind="stable")
        self._runs.append((keys[order], scores[order]))
        while len(self._runs) > 1 and len(self._runs[-2][1]) <= 2 * len(self._runs[-1][1]):
            (keys_b, scores_b), (keys_a, scores_a) = self._runs.pop(), self._runs.pop()
            keys, scores = np.concatenate([keys_a, keys_b]), np.concatenate([scores_a, scores_b])
            order = np.argsort(keys[:, 0], kind="stable")
            self._runs.append((keys[order], scores[order]))


def _new_name() -> str:
    return f"{time.time_ns()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.scores"
