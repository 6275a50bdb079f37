"""Rankings as files: TREC written and read, and what the same rankings take as Arrow, mapped.

Makes a collection of short passages and random rankings of 50 documents a query below FOLDER. Each step runs in a
process of its own: the processor's seconds (other work on the machine leaves them alone), and the peak of memory above
what was held when it began. ``--former`` names the ``src`` of another commit, whose TREC is measured in turns:

    git worktree add /tmp/former COMMIT
    python benchmarks/rankings.py /tmp/rankings --lines 10000000 --former /tmp/former/src
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from distillir.collections import Collection, load_collection
from distillir.collections.run import Run
from distillir.retrieval.trec import read_run, write_run

DEPTH = 50
STEPS = ("write", "read", "arrow-write", "arrow-read", "zstd-write", "zstd-read")


def make(folder: Path, passages: int, queries: int) -> None:
    """Write and import the collection, and draw the rankings."""
    source = folder / "texts"
    source.mkdir(parents=True)
    with (source / "collection.tsv").open("w", encoding="ascii") as stream:
        stream.writelines(f"{number}\tpassage {number}\n" for number in range(passages))
    with (source / "queries.train.tsv").open("w", encoding="ascii") as stream:
        stream.writelines(f"{number}\tquery {number}\n" for number in range(queries))
    (source / "qrels.train.tsv").write_text("0\t0\t0\t1\n", encoding="ascii")
    load_collection(source, cache=folder / "cache")
    generator = np.random.default_rng(0)
    # Distinct within a list: a step that shares no divisor with the number of passages.
    starts = generator.integers(0, passages, queries)[:, None]
    documents = (starts + 7919 * np.arange(DEPTH)) % passages
    scores = -np.sort(-generator.random((queries, DEPTH), dtype=np.float32) * np.float32(30), axis=1)
    np.savez(folder / "run.npz", documents=documents.ravel(), scores=scores.ravel())


def drawn(folder: Path) -> Run:
    """Load the rankings that `make` has drawn."""
    with np.load(folder / "run.npz") as stored:
        documents, scores = stored["documents"], stored["scores"]
    queries = len(documents) // DEPTH
    return Run(np.arange(queries), np.arange(queries + 1) * DEPTH, documents, scores)


def write_arrow(run: Run, path: Path, compression: str | None) -> None:
    """Write a run as one list a query."""
    columns = {
        "query": pa.array(run.queries),
        "documents": pa.LargeListArray.from_arrays(pa.array(run.offsets), pa.array(run.documents.astype(np.int32))),
        "scores": pa.LargeListArray.from_arrays(pa.array(run.offsets), pa.array(run.scores)),
    }
    table = pa.table(columns)
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)


def read_arrow(path: Path) -> Run:
    """Read what `write_arrow` wrote."""
    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    documents, scores = batch.column("documents"), batch.column("scores")
    return Run(
        batch.column("query").to_numpy(),
        documents.offsets.to_numpy(),
        documents.values.to_numpy().astype(np.int64),
        scores.values.to_numpy(),
    )


def memory(name: str) -> int:
    """KiB of one line of this process' status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def step(folder: Path, name: str) -> None:
    """Do one step; print seconds, GiB and bytes."""
    (imported,) = [path.parent for path in (folder / "cache").rglob("corpus")]
    collection: Any = Collection(imported)
    form, verb = name.split("-") if "-" in name else ("trec", name)
    path = folder / f"run.{form}"
    run = drawn(folder) if verb == "write" else None
    Path("/proc/self/clear_refs").write_text("5")  # the peak from now on
    before, start = memory("VmRSS"), time.process_time()
    if run is not None:
        write_run(run, collection, path) if form == "trec" else write_arrow(
            run, path, None if form == "arrow" else form
        )
    else:
        found = read_run(path, collection) if form == "trec" else read_arrow(path)
        found.scores.sum()
    seconds, peak = time.process_time() - start, (memory("VmHWM") - before) / (1 << 20)
    if run is None:
        expected = drawn(folder)
        assert all(np.array_equal(getattr(found, of), getattr(expected, of)) for of in ("documents", "scores"))
    print(json.dumps({"seconds": round(seconds, 2), "peak": round(peak, 3), "bytes": path.stat().st_size}))


def main() -> None:
    """Make what is missing, then each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--former", type=Path, help="src of another commit")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        step(asked.folder, asked.step)
        return
    if not asked.folder.exists():
        make(asked.folder, asked.passages, asked.lines // DEPTH)
    sources: dict[str, Path | None] = {"former": asked.former} if asked.former else {}
    written = {}
    for name in STEPS:
        for told, source in {**(sources if "-" not in name else {}), "": None}.items():
            there = {**os.environ, "PYTHONPATH": str(source)} if source else None
            command = [sys.executable, __file__, str(asked.folder), "--step", name]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=there)
            print(f"{asked.lines:,} lines, {told} {name}: {done.stdout.strip()}", flush=True)
            if name == "write":
                written[told] = (asked.folder / "run.trec").read_bytes()
    assert len(set(written.values())) == 1, "other bytes"


if __name__ == "__main__":
    main()
