"""The score cache at size: how long it takes to open, what it holds in memory, and a million look-ups.

Each step runs in a process of its own, so that the peaks are theirs alone. Segments are written as versions before
sorted files left them; ``former`` reads them into memory, ``merge`` merges them, ``open`` opens what was merged.

    python benchmarks/score_cache.py /tmp/score-cache --scores 40000000
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import Keys
from distillir.teachers.answers.records import pack

_SEGMENT = 1_000_000
STEPS = ("former", "merge", "open")


def keys_of(segment: int) -> Keys:
    """A million keys of a seed."""
    return np.random.default_rng(segment).integers(0, 2**64, size=(_SEGMENT, 2), dtype=np.uint64)


def make(folder: Path, scores: int) -> None:
    """Write closed segments of an hour ago."""
    folder.mkdir(parents=True)
    hour_ago = time.time() - 3600
    for segment in range(scores // _SEGMENT):
        file = folder / f"{segment:06d}.scores"
        file.write_bytes(pack(keys_of(segment), np.arange(_SEGMENT, dtype=np.float32)))
        os.utime(file, (hour_ago, hour_ago))


def memory(name: str) -> float:
    """GiB of one line of this process' status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / (1 << 20)


def step(folder: Path, name: str, scores: int) -> None:
    """Open the cache in one of three ways and look up a million keys, half of them known."""
    before = memory("RssAnon")
    start = time.monotonic()
    cache = ScoreCache(folder, compacts=name != "former")
    opened = time.monotonic() - start
    own = memory("RssAnon") - before
    known = np.concatenate([keys_of(segment)[: 500_000 * _SEGMENT // scores] for segment in range(scores // _SEGMENT)])
    asked = np.concatenate([known, keys_of(1 << 40)[:500_000]])
    start = time.monotonic()
    found = cache.get(asked)
    print(
        f"{name}: {len(cache):,} scores in {opened:.1f} s, {own:.2f} GiB of its own held, {memory('VmHWM'):.2f} GiB at "
        f"the peak with mapped pages; {len(asked):,} look-ups in {time.monotonic() - start:.2f} s, "
        f"{np.count_nonzero(~np.isnan(found)):,} found",
        flush=True,
    )


def main() -> None:
    """Make the segments where they are missing, then each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scores", type=int, default=40_000_000)
    parser.add_argument("--step", choices=STEPS)
    asked = parser.parse_args()
    if asked.step:
        step(asked.folder, asked.step, asked.scores)
        return
    if not asked.folder.exists():
        make(asked.folder, asked.scores)
    for name in STEPS:
        arguments = [str(asked.folder), "--scores", str(asked.scores), "--step", name]
        subprocess.run([sys.executable, __file__, *arguments], check=True)


if __name__ == "__main__":
    main()
