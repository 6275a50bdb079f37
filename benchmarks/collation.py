"""Milliseconds of collation a step, with and without workers, beside a step of a simulated length.

Usage: python benchmarks/collation.py [--steps 60] [--step-ms 100]

Documents of 128 random token ids, lists of 8 and of 50 candidates drawn from a pool, 16 queries a step. The step is a
sleep: a GPU's step leaves the processor alone. What the training waits for is told, and its share of the step.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from torch.utils.data import BatchSampler, SequentialSampler

from distillir.base.arrays import Flags, Rows, Scores
from distillir.batches.tokens import TokenStore
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.training.collator import ExampleCollator
from distillir.training.loader import batch_loader

POOL, QUERIES, TOKENS, QUERIES_PER_STEP = 100_000, 2000, 128, 16


class RandomLists:
    """Lists of random documents with random scores."""

    def __init__(self, size: int) -> None:
        self.queries: Rows = np.arange(QUERIES, dtype=np.int64)
        self._size = size

    def documents(self, index: int) -> Rows:
        """Candidates of a list."""
        return np.random.default_rng(index).choice(POOL, self._size, replace=False)

    def scores(self, index: int) -> Scores:
        """Their scores."""
        return np.random.default_rng(index).normal(size=self._size).astype(np.float32)

    def relevant(self, index: int) -> Flags:
        """The first one is judged relevant."""
        flags: Flags = np.arange(self._size) == 0
        return flags


def tokens(folder: Path, rows: int, length: int) -> TokenStore:
    """A store of random tokens."""
    folder.mkdir()
    np.random.default_rng(0).integers(1, 30_000, rows * length, dtype=np.int32).tofile(folder / "ids.bin")
    np.save(folder / "rows.npy", np.arange(rows))
    np.save(folder / "offsets.npy", np.arange(rows + 1) * length)
    settings = {"pad": 0, "token_types": True, "constants": {}}
    (folder / "settings.json").write_text(json.dumps(settings))
    return TokenStore(folder)


def waited(
    collator: ExampleCollator, size: int, workers: int, steps: int, step: float
) -> tuple[list[float], list[float]]:
    """Seconds that each step waits for its batch, and of this process's own work for it; the first few left out."""
    stream = ExampleStream(
        RandomLists(size), epochs=50, queries_per_step=QUERIES_PER_STEP, samplers=[PlainLists(size, "top")]
    )
    batches = BatchSampler(SequentialSampler(stream), QUERIES_PER_STEP, drop_last=True)
    loader = iter(batch_loader(stream, batches, collator, workers=workers))
    found: list[float] = []
    own: list[float] = []
    for number in range(steps + 5):
        start, before = time.perf_counter(), time.process_time()
        next(loader)
        if number >= 5:
            found.append(time.perf_counter() - start)
            own.append(time.process_time() - before)
        time.sleep(step)
    return found, own


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--step-ms", type=float, default=100.0)
    given = parser.parse_args()
    print("| candidates | workers | ms of this process a batch | of the step | ms a step waits | 90th percentile |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        queries = tokens(Path(folder, "queries"), QUERIES, 12)
        documents = tokens(Path(folder, "documents"), POOL, TOKENS)
        collator = ExampleCollator(queries, documents, budget=65_536)
        for size in (8, 50):
            for workers in (0, 1, 2):
                found, own = waited(collator, size, workers, given.steps, given.step_ms / 1000)
                middle, late = 1000 * np.percentile(found, [50, 90])
                work = 1000 * float(np.median(own))
                told = f"| {size} | {workers} | {work:.1f} | {work / given.step_ms:.1%} | {middle:.1f} | {late:.1f} |"
                print(told, flush=True)


if __name__ == "__main__":
    main()
