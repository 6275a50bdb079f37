"""Opening a store of token vectors or sparse vectors: its segments one by one, and by their manifest.

Each is opened in a process of its own, by turns, after one that is not counted (so that the system has read the
folder once for both); the figures are medians of the processor's seconds, which other work on the machine leaves alone.

    python benchmarks/segments_opening.py /tmp/segments --segments 20000
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from distillir.encoding.segment_manifest import MANIFEST
from distillir.encoding.segments import ROWS_PER_SEGMENT, Segments


def make(folder: Path, count: int) -> None:
    """Write segments of neighbours, with no encodings in them."""
    folder.mkdir(parents=True)
    for number in range(count):
        segment = folder / f"{number * 2654435761 % 2**32:08x}{number:08x}"
        segment.mkdir()
        np.save(segment / "rows.npy", np.arange(number * ROWS_PER_SEGMENT, (number + 1) * ROWS_PER_SEGMENT))


def step(folder: Path, rows: int) -> None:
    """Open once: processor seconds until it is open, what is missing known, and each row's place; and KiB held."""
    start = time.process_time()
    segments = Segments(folder, rows)
    opened = time.process_time() - start
    missing = len(segments.missing(np.arange(rows)))
    known = time.process_time() - start
    assert not missing and segments.segment[-1] >= 0
    placed = time.process_time() - start
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    sys.stdout.write(json.dumps([opened, known, placed, peak]))


def main() -> None:
    """Make the segments where they are missing, and open them by turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--segments", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--step", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    rows = asked.segments * ROWS_PER_SEGMENT
    if asked.step:
        step(asked.folder, rows)
        return
    if not asked.folder.exists():
        make(asked.folder, asked.segments)
    manifest, aside = asked.folder / MANIFEST, asked.folder.with_name(asked.folder.name + MANIFEST)
    Segments(asked.folder, rows).note()
    found: dict[str, list[list[float]]] = {"one by one": [], "manifest": []}
    for number in range(asked.rounds + 1):
        for name, measured in found.items():
            if name == "one by one":
                manifest.rename(aside)
            command = [sys.executable, __file__, str(asked.folder), "--segments", str(asked.segments), "--step"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            if aside.exists():
                aside.rename(manifest)
            if number:
                measured.append(json.loads(done.stdout))
    middle = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}
    print(f"{asked.segments:,} segments, {rows:,} texts; manifest of {manifest.stat().st_size:,} bytes")
    for name, (opened, known, placed, peak) in middle.items():
        print(
            f"{name}: open in {opened:.2f} s, what is missing known in {known:.2f} s, places in {placed:.2f} s, "
            f"{peak / 2**20:.2f} GiB at the peak"
        )
    ratios = [before / after for before, after in zip(middle["one by one"], middle["manifest"], strict=True)]
    print(f"one by one / manifest: open {ratios[0]:.0f}, missing {ratios[1]:.1f}, places {ratios[2]:.1f}")


if __name__ == "__main__":
    main()
