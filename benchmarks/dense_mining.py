"""Exact vector search over as many vectors as MS MARCO has passages: seconds and memory, both orders of the loops.

The vectors are random, of a fixed seed, float16 on disk. ``--order queries`` reads all documents once for each block of
1,024 queries, as versions before this one did; ``--order documents`` reads them once for all queries.

    python benchmarks/dense_mining.py /tmp/vectors --documents 200000 --queries 5000
"""

import argparse
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.retrieval.exact import MEMORY, exact_search

_BLOCK = 100_000


def make(file: Path, documents: int, width: int) -> npt.NDArray[np.float16]:
    """Vectors [documents, width] float16, mapped; written where they are missing."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        written = np.lib.format.open_memmap(part, mode="w+", dtype=np.float16, shape=(documents, width))
        draw = np.random.default_rng(0)
        for start in range(0, documents, _BLOCK):
            size = min(_BLOCK, documents - start)
            written[start : start + size] = draw.standard_normal((size, width), dtype=np.float32)
        written.flush()
        part.replace(file)
    mapped: npt.NDArray[np.float16] = np.load(file, mmap_mode="r")
    return mapped


def memory(name: str) -> float:
    """GiB of one line of this process' status, such as RssAnon."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / (1 << 20)


class Peak:
    """The most memory of its own (without mapped files) that this process has had, looked at every 50 ms."""

    def __init__(self) -> None:
        self.most, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self.most = max(self.most, memory("RssAnon"))


def main() -> None:
    """Make the vectors and search them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=8_841_823)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--order", choices=["documents", "queries"], nargs="+", default=["documents"])
    asked = parser.parse_args()
    start = time.monotonic()
    vectors: Any = make(asked.folder / f"{asked.documents}x{asked.width}.npy", asked.documents, asked.width)
    print(f"vectors: {vectors.nbytes / 1e9:.2f} GB, made or opened in {time.monotonic() - start:.0f} s", flush=True)
    queries = np.random.default_rng(1).standard_normal((asked.queries, asked.width), dtype=np.float32)
    found: list[Any] = []
    for order in asked.order:
        start = time.monotonic()
        with Peak() as peak:
            held = MEMORY if order == "documents" else 1
            found.append(exact_search(queries, vectors, asked.depth, memory=held))
        spent = time.monotonic() - start
        print(
            f"{order} outside: {asked.queries} queries in {spent:.1f} s, "
            f"{1000 * spent / asked.queries:.1f} s per 1,000; "
            f"own memory at the peak {peak.most:.2f} GiB; with mapped pages {memory('VmHWM'):.2f} GiB",
            flush=True,
        )
    same = all(np.array_equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))
    print(f"same results: {same}" if len(found) > 1 else "one order", flush=True)


if __name__ == "__main__":
    main()
