"""Coverage by room of ``src/distillir``, from coverage's JSON; exit code 1 where a room has too little.

Usage: ``python tools/coverage_by_room.py coverage.json [--least 90]``. Lines of a folder count for the room of its
name, a file at the top is a room by itself.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

PACKAGE = "src/distillir/"


def by_room(report: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Lines that were run and all lines, by room."""
    run, lines = Counter[str](), Counter[str]()
    for path, file in report["files"].items():
        room = Path(path).as_posix().split(PACKAGE)[-1].split("/")[0]
        run[room] += file["summary"]["covered_lines"]
        lines[room] += file["summary"]["num_statements"]
    return {room: (run[room], lines[room]) for room in sorted(lines) if lines[room]}


def main() -> int:
    """Print a line a room; returns how many have too little."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path, help="what `coverage json` wrote")
    parser.add_argument("--least", type=float, default=90, help="percent of lines that every room must have")
    asked = parser.parse_args()
    rooms = by_room(json.loads(asked.report.read_text(encoding="utf-8")))
    if not rooms:
        sys.exit(f"{asked.report}: no file of {PACKAGE}")
    short = [room for room, (run, lines) in rooms.items() if 100 * run < asked.least * lines]
    for room, (run, lines) in rooms.items():
        mark = f"  below {asked.least:g} %" if room in short else ""
        print(f"{room:<20} {100 * run / lines:5.1f} % of {lines:5d} lines{mark}")
    run, lines = (sum(column) for column in zip(*rooms.values(), strict=True))
    print(f"{'all':<20} {100 * run / lines:5.1f} % of {lines:5d} lines")
    return len(short)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
