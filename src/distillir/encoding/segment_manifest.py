"""A manifest of the rows that each segment of a folder holds, so that none of the segments is opened to tell."""

import os
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.base.files import atomic_file

#: Beside the segments; versions before it pass over names that begin with a dot.
MANIFEST = ".manifest.npz"
_ARRAYS = ("names", "counts", "starts", "lengths")
#: Segments whose rows are written out at a time.
_AT_ONCE = 1024


@dataclass(frozen=True)
class Spans:
    """Rows of segments as spans of neighbours: a segment of a corpus is mostly one.

    Attributes:
        counts: Spans of each segment [S].
        starts: First row of each span, those of a segment side by side and ascending.
        lengths: Rows of each span.
    """

    counts: Rows
    starts: Rows
    lengths: Rows

    @property
    def sizes(self) -> Rows:
        """Rows of each segment [S]."""
        ends = np.concatenate([[0], np.cumsum(self.lengths)])
        own = np.concatenate([[0], np.cumsum(self.counts)])
        found: Rows = np.diff(ends[own])
        return found

    def missing(self, rows: Rows) -> Rows:
        """Those of some rows (ascending, each once) that no segment holds."""
        begins, ends = np.searchsorted(rows, self.starts), np.searchsorted(rows, self.starts + self.lengths)
        places = len(rows) + 1
        held = np.cumsum(np.bincount(begins, minlength=places) - np.bincount(ends, minlength=places))
        missing: Rows = rows[held[: len(rows)] == 0]
        return missing

    def places(self, rows: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The segment that each row of a table is in, the last where several are; -1 for none. And its place there."""
        segment, place = np.full(rows, -1, dtype=np.int32), np.zeros(rows, dtype=np.int32)
        own, sizes = np.concatenate([[0], np.cumsum(self.counts)]), self.sizes
        for first in range(0, len(sizes), _AT_ONCE):
            number = np.arange(first, min(first + _AT_ONCE, len(sizes)))
            part = slice(own[number[0]], own[number[-1] + 1])
            found = _written_out(self.starts[part], self.lengths[part])
            segment[found] = np.repeat(number, sizes[number])
            place[found] = _written_out(np.zeros_like(number), sizes[number])
        return segment, place


def spans_of(folder: Path, names: Sequence[str], read: Callable[[str], Rows]) -> tuple[Spans, int]:
    """Rows of segments; only those that the manifest does not name are opened.

    Args:
        folder: Where the segments are.
        names: Theirs, ascending.
        read: Rows of a segment, by its name, ascending.

    Returns:
        The spans, in the order of ``names``; and by how many segments the manifest and the folder differ.
    """
    noted = _read(folder / MANIFEST)
    known = {} if noted is None else {name: place for place, name in enumerate(noted[0])}
    new = [name for name in names if name not in known]
    gone = len(known) - (len(names) - len(new))
    if noted is not None and not new and not gone:
        return noted[1], 0
    further = _spans([read(name) for name in new])
    if noted is None:
        return further, len(new)
    both = Spans(*(np.concatenate(pair) for pair in zip(_columns(noted[1]), _columns(further), strict=True)))
    behind = dict(zip(new, range(len(known), len(known) + len(new)), strict=True))
    order = np.array([known[name] if name in known else behind[name] for name in names], dtype=np.int64)
    return _ordered(both, order), len(new) + gone


def keep_manifest(folder: Path, names: Sequence[str], spans: Spans) -> None:
    """Note which rows each segment holds; where the disk refuses, segments are opened as if there were no manifest.

    Several processes may write it, each what it has seen: what another one lacks is read from the segments.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"names": np.array([os.fsencode(name) for name in names], dtype=np.bytes_)}
    arrays |= dict(zip(_ARRAYS[1:], _columns(spans), strict=True))
    with suppress(OSError), atomic_file(folder / MANIFEST) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def _read(file: Path) -> tuple[list[str], Spans] | None:
    """Names and rows of the segments that a manifest knows; None where there is none, or it is damaged."""
    try:
        with np.load(file) as stored:
            names, counts, starts, lengths = (stored[key] for key in _ARRAYS)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
    fits = len(names) == len(counts) and counts.sum() == len(starts) == len(lengths)
    return ([os.fsdecode(name) for name in names.tolist()], Spans(counts, starts, lengths)) if fits else None


def _columns(spans: Spans) -> tuple[Rows, Rows, Rows]:
    return spans.counts, spans.starts, spans.lengths


def _spans(segments: list[Rows]) -> Spans:
    counts, starts, lengths = [], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for rows in segments:
        begins = np.flatnonzero(np.diff(rows, prepend=rows[:1] - 2) != 1)
        counts.append(len(begins))
        starts.append(rows[begins])
        lengths.append(np.diff(begins, append=len(rows)))
    return Spans(np.array(counts, dtype=np.int64), np.concatenate(starts), np.concatenate(lengths))


def _ordered(spans: Spans, order: Rows) -> Spans:
    """Spans of some segments, in the order given."""
    own = np.concatenate([[0], np.cumsum(spans.counts)])[:-1]
    counts = spans.counts[order]
    places = _written_out(own[order], counts)
    return Spans(counts, spans.starts[places], spans.lengths[places])


def _written_out(starts: Rows, lengths: Rows) -> Rows:
    """The numbers of spans, one after the other."""
    before: Any = np.cumsum(lengths) - lengths
    found: Rows = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
    return found
