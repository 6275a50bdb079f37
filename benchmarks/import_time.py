"""Seconds that ``import distillir`` takes, in processes of its own: the import alone, and what it loads.

    python benchmarks/import_time.py [--times 20]

Python's own start is told beside it, since nobody imports without it.
"""

import argparse
import statistics
import subprocess
import sys

TIMED = "import time; start = time.perf_counter(); import {name}; print(time.perf_counter() - start)"
LOADED = "import sys; before = set(sys.modules); import distillir; print(len(set(sys.modules) - before))"
START = "import time; print(time.process_time())"


def seconds(code: str, times: int) -> list[float]:
    """What a line of Python prints, in so many processes."""
    command = [sys.executable, "-c", code]
    return [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(times)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    for name, code in (("import distillir", TIMED.format(name="distillir")), ("Python's start (processor)", START)):
        found = seconds(code, times)
        print(f"{name}: median {statistics.median(found):.3f} s, longest {max(found):.3f} s of {times}")
    print(f"import torch: {seconds(TIMED.format(name='torch'), 1)[0]:.2f} s, which it does not load")
    print(f"modules that import distillir loads: {seconds(LOADED, 1)[0]:.0f}")


if __name__ == "__main__":
    main()
