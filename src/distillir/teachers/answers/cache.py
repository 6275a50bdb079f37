"""The score cache: append-only, content-addressed, safe against a kill at any moment."""

import os
import time
import uuid
from pathlib import Path

import numpy as np

from distillir.base.arrays import Scores
from distillir.base.errors import DistillirError
from distillir.teachers.answers.keys import Keys
from distillir.teachers.answers.records import RECORD, pack, unpack

SYNC_SECONDS = 1.0


class ScoreCache:
    """Scores of one teacher, kept by the content of query and document.

    Every process appends to a segment of its own and reads all. A record that a kill tore, or that a disk spoilt,
    fails its checksum and counts as missing. In memory a record takes 20 bytes, in sorted arrays.

    Args:
        folder: The teacher's folder, one ``*.scores`` file a segment.

    Attributes:
        asked: Scores put by this process.
        hit: Keys that `get` found.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = self.hit = 0
        self._handle: int | None = None
        self._own = f"{time.time_ns()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.scores"
        self._read: dict[str, int] = {}
        self._runs: list[tuple[Keys, Scores]] = []
        self._synced = 0.0
        self.refresh()

    def __len__(self) -> int:
        return sum(len(scores) for _, scores in self._runs)

    def refresh(self) -> None:
        """Read what other processes have appended since."""
        found: list[tuple[Keys, Scores]] = []
        for segment in sorted(self.folder.glob("*.scores")):
            start, end = self._read.get(segment.name, 0), segment.stat().st_size
            end -= end % RECORD.itemsize
            if segment.name == self._own or end <= start:
                continue
            found.append(unpack(np.fromfile(segment, dtype=np.uint8, count=end - start, offset=start)))
            self._read[segment.name] = end
        if found:
            self._add(np.concatenate([keys for keys, _ in found]), np.concatenate([scores for _, scores in found]))

    def get(self, keys: Keys) -> Scores:
        """Scores [N] of keys [N, 2], NaN where there is none."""
        scores = np.full(len(keys), np.nan, dtype=np.float32)
        for known, values in self._runs:
            missing = np.flatnonzero(np.isnan(scores))
            places = np.searchsorted(known[:, 0], keys[missing, 0])
            # Two keys that share their first half lie side by side: look on until none is left.
            while len(missing):
                inside = places < len(known)
                missing, places = missing[inside], places[inside]
                same = known[places, 0] == keys[missing, 0]
                missing, places = missing[same], places[same]
                exact = known[places, 1] == keys[missing, 1]
                scores[missing[exact]] = values[places[exact]]
                missing, places = missing[~exact], places[~exact] + 1
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
            if self._handle is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._handle = os.open(self.folder / self._own, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            data = memoryview(pack(keys, scores))
            whole = os.fstat(self._handle).st_size
            try:
                while data:
                    data = data[os.write(self._handle, data) :]
            except OSError:
                # A torn record would shift all that follow it.
                os.ftruncate(self._handle, whole)
                raise
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(self._handle)
                self._synced = time.monotonic()
        except OSError as error:
            raise DistillirError(
                f"scores cannot be written ({error.strerror})",
                where=self.folder,
                remedy="make room or set DISTILLIR_CACHE to another disk; what is written stays",
            ) from None
        self.asked += len(keys)
        self._add(np.asarray(keys, dtype=np.uint64), np.asarray(scores, dtype=np.float32))

    def close(self) -> None:
        """Sync and close this process's segment; a later `put` opens a new one."""
        if self._handle is not None:
            os.fsync(self._handle)
            os.close(self._handle)
            self._handle = None
            self._read[self._own] = (self.folder / self._own).stat().st_size
            self._own = f"{time.time_ns()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.scores"

    def _add(self, keys: Keys, scores: Scores) -> None:
        """Add a sorted run, merging runs of similar size: few runs to search, few copies to make."""
        order = np.argsort(keys[:, 0], kind="stable")
        self._runs.append((keys[order], scores[order]))
        while len(self._runs) > 1 and len(self._runs[-2][1]) <= 2 * len(self._runs[-1][1]):
            (keys_b, scores_b), (keys_a, scores_a) = self._runs.pop(), self._runs.pop()
            keys, scores = np.concatenate([keys_a, keys_b]), np.concatenate([scores_a, scores_b])
            order = np.argsort(keys[:, 0], kind="stable")
            self._runs.append((keys[order], scores[order]))
