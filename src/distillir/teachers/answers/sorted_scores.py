"""Scores in one sorted file that is mapped: a look-up reads a few pages, and memory does not grow with the file."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file
from distillir.teachers.answers.keys import Keys
from distillir.teachers.answers.records import checksums

_HEADER = 4096
_COLUMNS = (("first", "<u8"), ("second", "<u8"), ("score", "<f4"), ("crc", "<u4"))
_RECORD_BYTES = 24
#: Keys whose first half ends are merged together are about so many.
_MERGED = 1 << 20


class Columns(NamedTuple):
    """Scores by the first half of their keys, ascending.

    Attributes:
        first: First halves of keys [N] uint64.
        second: Second halves [N] uint64.
        score: [N] float32.
        crc: Checksums of the records [N] uint32.
    """

    first: npt.NDArray[np.uint64]
    second: npt.NDArray[np.uint64]
    score: Scores
    crc: npt.NDArray[np.uint32]

    def part(self, start: int, end: int) -> "Columns":
        """Those from ``start`` to before ``end``."""
        return columns_of(column[start:end] for column in self)


def columns_of(arrays: Iterable[npt.NDArray[Any]]) -> Columns:
    """Columns of their four arrays."""
    first, second, score, crc = arrays
    return Columns(first, second, score, crc)


class SortedScores:
    """A sorted file, mapped.

    Args:
        file: One that `write_sorted` made.

    Attributes:
        columns: Its scores.
        replaced: Names of the sorted files that it was merged of.

    Raises:
        DistillirError: It is damaged.
        FileNotFoundError: It is gone: another process has merged it into another file.
    """

    def __init__(self, file: Path) -> None:
        with file.open("rb") as stream:
            start, size = stream.read(_HEADER), os.fstat(stream.fileno()).st_size
            try:
                info: dict[str, Any] = json.loads(start)
                count, room = int(info["count"]), int(info["room"])
                self.replaced = [str(name) for name in info["replaced"]]
            except (ValueError, KeyError, TypeError):
                raise _damaged(file) from None
            if len(start) != _HEADER or not 0 <= count <= room or size != _HEADER + room * _RECORD_BYTES:
                raise _damaged(file)
            mapped = np.memmap(stream, dtype=np.uint8, mode="r") if room else np.empty(_HEADER, dtype=np.uint8)
        places = _places(room)
        self.columns = columns_of(
            np.asarray(mapped[at : at + count * np.dtype(kind).itemsize]).view(kind)
            for at, (_, kind) in zip(places, _COLUMNS, strict=True)
        )

    def __len__(self) -> int:
        return len(self.columns.first)

    def get(self, keys: Keys) -> Scores:
        """Scores [N] of keys [N, 2], NaN where there is none or where the disk has spoilt it."""
        # Ascending keys walk the mapped file once from front to back.
        order = np.argsort(keys[:, 0])
        places = np.full(len(keys), -1, dtype=np.int64)
        places[order] = find_keys(self.columns.first, self.columns.second, keys[order])
        scores = np.full(len(keys), np.nan, dtype=np.float32)
        found = np.flatnonzero(places >= 0)
        values, crc = self.columns.score[places[found]], self.columns.crc[places[found]]
        good = checksums(keys[found], values) == crc
        scores[found[good]] = values[good]
        return scores


def find_keys(first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64], keys: Keys) -> Rows:
    """Places [N] of keys [N, 2] among known ones, whose first halves ascend; -1 where a key is unknown."""
    found = np.full(len(keys), -1, dtype=np.int64)
    missing = np.arange(len(keys))
    places = np.searchsorted(first, keys[:, 0])
    # Two keys that share their first half lie side by side: look on until none is left.
    while len(missing):
        inside = places < len(first)
        missing, places = missing[inside], places[inside]
        same = first[places] == keys[missing, 0]
        missing, places = missing[same], places[same]
        exact = second[places] == keys[missing, 1]
        found[missing[exact]] = places[exact]
        missing, places = missing[~exact], places[~exact] + 1
    return found


def write_sorted(file: Path, sources: list[Columns], replaced: Iterable[str] = ()) -> None:
    """Merge sorted columns into a file, in bounded memory; of a key that stands twice the first source's is kept.

    Args:
        file: It appears whole or not at all, and lasts.
        sources: Mapped or not.
        replaced: Names of the sorted files among them, which may be removed from now on.

    Raises:
        OSError: The disk is full or may not be written.
    """
    room = sum(len(source.first) for source in sources)
    with atomic_file(file) as temporary, temporary.open("r+b") as stream:
        os.truncate(temporary, _HEADER + room * _RECORD_BYTES)
        places, count = _places(room), 0
        cuts = np.linspace(0.0, 2.0**64, max(1, room // _MERGED) + 1)[1:-1].astype(np.uint64)
        bounds = [np.concatenate([[0], np.searchsorted(s.first, cuts), [len(s.first)]]).astype(int) for s in sources]
        for number in range(len(cuts) + 1):
            parts = [s.part(b[number], b[number + 1]) for s, b in zip(sources, bounds, strict=True)]
            merged = _merged(parts)
            for at, values, (_, kind) in zip(places, merged, _COLUMNS, strict=True):
                column: npt.NDArray[Any] = np.asarray(values, dtype=kind)
                stream.seek(at + count * column.itemsize)
                stream.write(column.tobytes())
            count += len(merged.first)
        info = {"form": 1, "count": count, "room": room, "replaced": list(replaced)}
        stream.seek(0)
        stream.write(json.dumps(info).encode().ljust(_HEADER))
    _sync_folder(file.parent)


def _merged(parts: list[Columns]) -> Columns:
    together = columns_of(np.concatenate(columns) for columns in zip(*parts, strict=True))
    # Stable: of the same key, the first source's stands first.
    order = np.lexsort((together.second, together.first))
    ordered = columns_of(column[order] for column in together)
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(ordered.first) != 0) | (np.diff(ordered.second) != 0)
    return columns_of(column[new] for column in ordered)


def _places(room: int) -> list[int]:
    """Offsets of the columns."""
    return [_HEADER, _HEADER + 8 * room, _HEADER + 16 * room, _HEADER + 20 * room]


def _damaged(file: Path) -> DistillirError:
    return DistillirError(
        "is no file of sorted scores, or is cut",
        where=file,
        remedy="restore it, or delete it: its scores are asked again",
    )


def _sync_folder(folder: Path) -> None:
    """Make a new name last through a power cut, before what it replaces is removed."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
