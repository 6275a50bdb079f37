"""The best state of a training so far, on disk: what was measured, and the weights that measured best."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_model, save_model

from distillir.base.files import atomic_file, write_json
from distillir.base.processes import rank

MEASURES = "selection.json"


@dataclass
class BestState:
    """Measures by step, in ``selection.json`` of a checkpoint folder, and the best one's weights beside it.

    Weights are written before the file that names them, and older ones are deleted after it: a kill at any moment
    leaves the two together. What is noted is not measured again when a training goes on from an earlier checkpoint.

    Attributes:
        folder: Of the checkpoints.
        measures: Steps and values, by step.
        seconds: Spent on measuring, those of killed processes included.
    """

    folder: Path
    measures: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0

    @classmethod
    def read(cls, folder: Path) -> "BestState":
        """Read the state that a training has left; an empty one where it has measured nothing."""
        file = folder / MEASURES
        if not file.is_file():
            return cls(folder)
        found = json.loads(file.read_text(encoding="utf-8"))
        return cls(folder, [(int(step), float(value)) for step, value in found["measures"]], found["seconds"])

    @property
    def best(self) -> tuple[int, float]:
        """Step and value of the best measure: of equal ones the first."""
        return max(self.measures, key=lambda measure: measure[1])

    def facts(self, steps: int) -> dict[str, Any]:
        """Facts for the report about a training of ``steps`` steps."""
        return {
            "measures": [list(measure) for measure in self.measures],
            "best_step": self.best[0],
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

    def add(self, step: int, value: float, seconds: float, model: Any, along: Mapping[str, Any]) -> None:
        """Keep a measure, and the weights if they are the best so far; process 0 alone writes.

        Args:
            step: Steps of the optimiser.
            value: Its measure.
            seconds: That measuring took.
            model: The student.
            along: What is trained along with it, by name.
        """
        rises = not self.measures or value > self.best[1]
        self.measures.append((step, value))
        self.seconds += seconds
        if rank() != 0:
            return
        if rises:
            self._write(self._student(step), model)
            for name, module in along.items():
                self._write(self._along(step, name), module)
        write_json(self.folder / MEASURES, {"measures": self.measures, "seconds": self.seconds})
        for file in self.folder.glob("best-*.safetensors") if rises else ():
            if file not in (self._student(step), *(self._along(step, name) for name in along)):
                file.unlink()

    def load(self, model: Any, along: Mapping[str, Any]) -> None:
        """Give a student, and what was trained along with it, the best weights; arguments as `add`."""
        step, _ = self.best
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


def forget_best(folder: Path) -> None:
    """Delete what a training has measured and kept."""
    for file in (folder / MEASURES, *folder.glob("best-*.safetensors")):
        file.unlink(missing_ok=True)
