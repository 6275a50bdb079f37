"""A search whose queries several processes share, where all of them search."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.files import atomic_file, cache_root
from distillir.base.meeting_folder import own_folder
from distillir.base.processes import barrier, first_decides, rank, world_size
from distillir.collections.run import Run

_TOGETHER: ContextVar[bool] = ContextVar("all processes search", default=False)


@contextmanager
def searching_together() -> Iterator[None]:
    """Say that every process goes through this block, so that searches in it may wait for each other."""
    token = _TOGETHER.set(True)
    try:
        yield
    finally:
        _TOGETHER.reset(token)


def share_queries(search: Callable[[Rows], Run], query_rows: Rows) -> Run:
    """Search for a share of the queries in each process, and give all of them the whole run; see `share_places`.

    Args:
        search: Ranks for query rows, each by itself.
        query_rows: Of all queries, distinct [Q].
    """
    return share_places(lambda places: search(query_rows[places]), query_rows)


def share_places(search: Callable[[Rows], Run], query_rows: Rows, block: int = 1) -> Run:
    """Search for a share of the queries in each process, and give all of them the whole run.

    Shares meet in files of the cache. Outside `searching_together`, or in one process, this is the search itself. What
    ``search`` calls must not wait for other processes.

    Args:
        search: Ranks for the queries at some places of ``query_rows``.
        query_rows: Of all queries, distinct [Q].
        block: Queries that are dealt out together, from the first on: those that are computed together, where that
            decides the last bits.
    """
    processes, places = world_size(), np.arange(len(query_rows))
    if processes == 1 or not _TOGETHER.get():
        return search(places)
    shares = [places[places // block % processes == process] for process in range(processes)]
    with _meeting() as folder:
        own = search(shares[rank()])
        with atomic_file(_part(folder, rank())) as path, path.open("wb") as stream:
            np.savez(stream, offsets=own.offsets, documents=own.documents, scores=own.scores)
        barrier()
        parts = []
        for process, share in enumerate(shares):
            with np.load(_part(folder, process)) as stored:
                part = Run(query_rows[share], stored["offsets"], stored["documents"], stored["scores"], own.name)
            parts.append(part)
        barrier()
    return _joined(parts, shares, query_rows, own.name)


@contextmanager
def _meeting() -> Iterator[Path]:
    """A folder in which processes leave their shares; the first one makes it, and removes it and what is nobody's."""
    held = ExitStack()
    name = first_decides(lambda: held.enter_context(own_folder(cache_root() / "searches")))
    with held:
        yield cache_root() / "searches" / name


def _part(folder: Path, process: int) -> Path:
    return folder / f"{process}.npz"


def _joined(parts: list[Run], shares: list[Rows], query_rows: Rows, name: str) -> Run:
    """The lists of dealt-out queries in the order of the queries."""
    sizes = np.empty(len(query_rows), dtype=np.int64)
    for part, share in zip(parts, shares, strict=True):
        sizes[share] = np.diff(part.offsets)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    documents, scores = np.empty(offsets[-1], dtype=np.int64), np.empty(offsets[-1], dtype=np.float32)
    for part, share in zip(parts, shares, strict=True):
        lengths = np.diff(part.offsets)
        places = np.repeat(offsets[share] - part.offsets[:-1], lengths) + np.arange(len(part.documents))
        documents[places], scores[places] = part.documents, part.scores
    return Run(query_rows, offsets, documents, scores, name)
