"""The best state of a training so far, on disk: what was measured, and the weights that are kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_model, save_model

from distillir.base.files import atomic_file, write_json
from distillir.base.processes import rank

MEASURES = "selection.json"
#: Standard errors at most; differences that are none.
FAR, TINY = 999.0, 1e-12


@dataclass
class BestState:
    """Measures by step, in ``selection.json`` of a checkpoint folder, and the weights that are kept beside it.

    Kept are those of the highest measure, or, where the measures of single queries are given, the last ones within a
    standard error of it (`BestState.add`).

    Weights are written before the file that names them, and older ones are deleted after it: a kill at any moment
    leaves the two together. What is noted is not measured again when a training goes on from an earlier checkpoint.

    Attributes:
        folder: Of the checkpoints.
        measures: Steps and values, by step.
        seconds: Spent on measuring, those of killed processes included.
        last: Step of the weights that are kept; None: those of the highest measure.
        values: The highest measure's, of each query; None where they are not known.
        start: Those before training; None where they are not known.
        errors: Standard errors that the measure of the kept weights is above the one before training; None likewise.
    """

    folder: Path
    measures: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    last: int | None = None
    values: list[float] | None = None
    start: list[float] | None = None
    errors: float | None = None

    @classmethod
    def read(cls, folder: Path) -> "BestState":
        """Read the state that a training has left; an empty one where it has measured nothing."""
        file = folder / MEASURES
        if not file.is_file():
            return cls(folder)
        found = json.loads(file.read_text(encoding="utf-8"))
        measures = [(int(step), float(value)) for step, value in found["measures"]]
        more = (found.get(key) for key in ("kept", "values", "start", "errors"))
        return cls(folder, measures, found["seconds"], *more)

    @property
    def best(self) -> tuple[int, float]:
        """Step and value of the highest measure: of equal ones the first."""
        return max(self.measures, key=lambda measure: measure[1])

    @property
    def kept(self) -> tuple[int, float]:
        """Step and value of the weights that are kept."""
        return self.best if self.last is None else (self.last, dict(self.measures)[self.last])

    @property
    def within_chance(self) -> bool:
        """Tell whether the kept measure is less than two standard errors above the one before training.

        False where single queries are not known, or nothing was measured before training, or that state is kept.
        """
        return self.errors is not None and self.kept[0] > 0 and self.errors < 2.0

    def facts(self, steps: int) -> dict[str, Any]:
        """Facts for the report about a training of ``steps`` steps."""
        return {
            "measures": [list(measure) for measure in self.measures],
            "best_step": self.kept[0],
            "steps": steps,
            "stopped_early": self.measures[-1][0] < steps,
            "seconds": round(self.seconds, 2),
        }

    def known(self, step: int) -> float | None:
        """The measure after a step; None where there is none yet."""
        return dict(self.measures).get(step)

    def waited(self, step: int) -> int:
        """Number of measures in a row, up to a step, that have not risen above the best before them."""
        seen = [value for at, value in self.measures if at <= step]
        return len(seen) - 1 - seen.index(max(seen))

    def add(
        self,
        step: int,
        value: float,
        seconds: float,
        model: Any,
        along: Mapping[str, Any],
        values: Sequence[float] | None = None,
    ) -> None:
        """Keep a measure, and the weights if they are to be kept; process 0 alone writes.

        They are if the measure is the highest so far. With ``values``, also if it is above the one before training and
        less than a standard error (of the paired differences) below the highest: a hundred queries cannot tell such
        states apart, and the later one has learnt from more, at a lower rate.

        Args:
            step: Steps of the optimiser; 0 before the first.
            value: Its measure.
            seconds: That measuring took.
            model: The student.
            along: What is trained along with it, by name.
            values: The measure of each query, in the same order each time; None: the highest measure is kept.
        """
        rises = not self.measures or value > self.best[1]
        takes = rises or (values is not None and self._as_good(value, values))
        if rises:
            self.values = None if values is None else [float(each) for each in values]
        self.measures.append((step, value))
        self.seconds += seconds
        if step == 0 and values is not None:
            self.start = [float(each) for each in values]
        if takes:
            self.last = step
            self.errors = None if self.start is None or values is None else _errors(values, self.start)
        if rank() != 0:
            return
        if takes:
            self._write(self._student(step), model)
            for name, module in along.items():
                self._write(self._along(step, name), module)
        known = {"measures": self.measures, "seconds": self.seconds, "kept": self.kept[0]}
        write_json(self.folder / MEASURES, {**known, "values": self.values, "start": self.start, "errors": self.errors})
        for file in self.folder.glob("best-*.safetensors") if takes else ():
            if file not in (self._student(step), *(self._along(step, name) for name in along)):
                file.unlink()

    def _as_good(self, value: float, values: Sequence[float]) -> bool:
        """Tell whether a measure is above the one before training and within a standard error of the highest."""
        first, start = self.measures[0]
        if self.values is None or (first == 0 and value <= start):
            return False
        return _errors(values, self.values) > -1.0 and list(values) != self.values

    def load(self, model: Any, along: Mapping[str, Any]) -> None:
        """Give a student, and what was trained along with it, the weights that are kept; arguments as `add`."""
        step, _ = self.kept
        for path, module in (
            (self._student(step), model),
            *((self._along(step, name), module) for name, module in along.items()),
        ):
            load_model(module, str(path), device=str(next(module.parameters()).device))

    def _student(self, step: int) -> Path:
        return self.folder / f"best-{step}.safetensors"

    def _along(self, step: int, name: str) -> Path:
        return self.folder / f"best-{step}-{name}.safetensors"

    def _write(self, path: Path, model: Any) -> None:
        with atomic_file(path) as temporary:
            save_model(model, str(temporary))


def _errors(values: Sequence[float], others: Sequence[float]) -> float:
    """Mean of the paired differences in standard errors of it; 0, or `FAR`, where all are the same."""
    differences = np.asarray(values) - np.asarray(others)
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / len(differences) ** 0.5 if len(differences) > 1 else 0.0
    # Of numbers that differ in their last bits alone the spread is none.
    if error > TINY:
        return float(np.clip(mean / error, -FAR, FAR))
    return float(np.copysign(FAR, mean)) if abs(mean) > TINY else 0.0


def forget_best(folder: Path) -> None:
    """Delete what a training has measured and kept."""
    for file in (folder / MEASURES, *folder.glob("best-*.safetensors")):
        file.unlink(missing_ok=True)
