"""``log.jsonl`` of a run directory: the loss and what was logged with it, as curves over steps."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distillir.base.files import read_lines

# What the trainer logs beside the objective's parts; a key that is not here is a part of the loss.
NOT_PARTS = frozenset(
    {"step", "stage", "loss", "learning_rate", "epoch", "seconds", "grad_norm", "total_flos", "num_tokens", "runtime"}
)


@dataclass
class Curve:
    """Values over training steps, aligned lists."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.steps)

    def add(self, step: int, value: float) -> None:
        """Append a point."""
        self.steps.append(step)
        self.values.append(value)

    def thinned(self, points: int = 400) -> "Curve":
        """The curve in at most ``points`` points, each the mean of equally many neighbours (the last of fewer)."""
        group = math.ceil(len(self) / points)
        if group <= 1:
            return self
        starts = range(0, len(self), group)
        return Curve(
            [self.steps[min(s + group, len(self)) - 1] for s in starts],
            [sum(part) / len(part) for part in (self.values[s : s + group] for s in starts)],
        )

    def smoothed(self, share: float = 0.05) -> "Curve":
        """The exponential moving average over about ``share`` of the curve, without bias at the start."""
        keep = 1 - 1 / max(1.0, share * len(self))
        total = weight = 0.0
        averages = []
        for value in self.values:
            total, weight = keep * total + value, keep * weight + 1
            averages.append(total / weight)
        return Curve(self.steps, averages)


@dataclass
class TrainingLog:
    """The curves of a training log.

    Attributes:
        curves: ``loss``, ``learning_rate``, the objective's parts (``kl``, …) and measures on the dev
            split (``dev_nDCG@10``, …), each over steps counted through all stages.
        stages: Name and first step of each stage, where stages were logged.
        unreadable: Numbers of lines that are no log entry (a kill can cut a line short).
        before: Steps before each stage by its name; those of a log without stages have the name "".
    """

    curves: dict[str, Curve]
    stages: list[tuple[str, int]]
    unreadable: list[int]
    before: dict[str, int] = field(default_factory=dict)

    @property
    def dev(self) -> dict[str, Curve]:
        """Curves of measures on the dev split, without their prefix."""
        return {name.removeprefix("dev_"): c for name, c in self.curves.items() if name.startswith("dev_")}

    @property
    def parts(self) -> dict[str, Curve]:
        """Curves of the objective's parts, where it has more than one."""
        names = [n for n in self.curves if n not in NOT_PARTS and not n.startswith(("dev_", "eval_"))]
        names = [n for n in names if not n.endswith("_per_second")]
        return {n: self.curves[n] for n in names} if len(names) > 1 else {}


def read_training_log(path: Path) -> TrainingLog:
    """Read ``log.jsonl``.

    A resumed training logs again the steps after its checkpoint: the later entry counts. A stage that starts its
    steps anew is moved behind the stage before it.

    Raises:
        DistillirError: The file is missing or is not UTF-8.
    """
    entries: list[dict[str, Any]] = []
    unreadable = []
    starts: dict[str, int] = {}
    stage = ""
    for number, line in read_lines(path):
        if not line.strip():
            continue
        entry = _entry(line)
        if entry is None:
            unreadable.append(number)
            continue
        stage = str(entry.get("stage", stage))
        if stage not in starts:
            last = entries[-1]["step"] if entries else 0
            starts[stage] = last if entry["step"] <= last else 0
        entry["step"] += starts[stage]
        while entries and entries[-1]["stage"] == stage and _replaced(entries[-1], entry):
            entries.pop()
        entries.append({**entry, "stage": stage})
    return TrainingLog(_curves(entries), _stages(entries), unreadable, starts)


def _entry(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except json.JSONDecodeError:
        return None
    if not isinstance(value, dict) or isinstance(value.get("step"), bool):
        return None
    return value if isinstance(value.get("step"), int) else None


def _replaced(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Tell whether an entry is overwritten by a later one, of an earlier step or of the same step with a key of it."""
    same = (old.keys() & new.keys()) - {"step", "stage", "epoch", "seconds"}
    return bool(old["step"] > new["step"] or (old["step"] == new["step"] and same))


def _curves(entries: list[dict[str, Any]]) -> dict[str, Curve]:
    curves: dict[str, Curve] = {}
    for entry in entries:
        for name, value in entry.items():
            if name != "step" and isinstance(value, int | float) and math.isfinite(value):
                curves.setdefault(name, Curve()).add(entry["step"], float(value))
    return curves


def _stages(entries: list[dict[str, Any]]) -> list[tuple[str, int]]:
    stages: dict[str, int] = {}
    for entry in entries:
        stages.setdefault(entry["stage"], entry["step"])
    return list(stages.items()) if len(stages) > 1 else []
