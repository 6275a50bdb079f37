"""A search whose queries several processes share, where all of them search."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.files import atomic_file, cache_root
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
    """Search for a share of the queries in each process, and give all of them the whole run.

    Shares meet in files of the cache. Outside `searching_together`, or in one process, this is the search itself.

    Args:
        search: Ranks for query rows, each by itself.
        query_rows: Of all queries, distinct [Q].
    """
    processes = world_size()
    if processes == 1 or not _TOGETHER.get():
        return search(query_rows)
    folder = cache_root() / "searches" / first_decides(lambda: f"{os.getpid()}-{uuid.uuid4().hex}")
    own = search(query_rows[rank() :: processes])
    with atomic_file(_part(folder, rank())) as path, path.open("wb") as stream:
        np.savez(stream, offsets=own.offsets, documents=own.documents, scores=own.scores)
    barrier()
    parts = []
    for process in range(processes):
        with np.load(_part(folder, process)) as stored:
            rows = query_rows[process::processes]
            parts.append(Run(rows, stored["offsets"], stored["documents"], stored["scores"], own.name))
    barrier()
    if rank() == 0:
        shutil.rmtree(folder, ignore_errors=True)
    return _joined(parts, query_rows, own.name)


def _part(folder: Path, process: int) -> Path:
    return folder / f"{process}.npz"


def _joined(parts: list[Run], query_rows: Rows, name: str) -> Run:
    """The lists of dealt-out queries in the order of the queries."""
    sizes = np.empty(len(query_rows), dtype=np.int64)
    for process, part in enumerate(parts):
        sizes[process :: len(parts)] = np.diff(part.offsets)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    documents, scores = np.empty(offsets[-1], dtype=np.int64), np.empty(offsets[-1], dtype=np.float32)
    for process, part in enumerate(parts):
        starts, lengths = offsets[:-1][process :: len(parts)], np.diff(part.offsets)
        places = np.repeat(starts - part.offsets[:-1], lengths) + np.arange(len(part.documents))
        documents[places], scores[places] = part.documents, part.scores
    return Run(query_rows, offsets, documents, scores, name)
