"""Logs of JSON lines, each of a step of training, that go on after a kill."""

import json
from pathlib import Path

from distillir.base.files import atomic_file


def keep_until(path: Path, stage: int | None, step: int) -> list[str]:
    """Drop a log's lines after a stage's step, and what a kill tore; returns the lines that stay."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    kept = [line for line in lines if _place(line) <= (stage or 0, step)]
    with atomic_file(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    return kept


def _place(line: str) -> tuple[int, int]:
    """Stage and step of a log line; a line torn by a kill counts as after everything."""
    try:
        entry = json.loads(line)
        return int(entry.get("stage", 0)), int(entry["step"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return 1 << 62, 0
