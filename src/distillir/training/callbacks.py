"""What happens around the steps: the log file, the layers that were drawn."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from distillir.base.files import atomic_file

if TYPE_CHECKING:
    from distillir.signals.layers.draw import LayerDraw
    from distillir.training.loss import LessonLoss

#: What the trainer logs and the log file says in its own way, or not at all.
NOT_LOGGED = {"epoch", "step", "seconds"}


class LogFile(TrainerCallback):
    """Append every log of the training to a JSON-lines file; a resumed run goes on where its checkpoint stands.

    Args:
        path: The file.
        lessons_per_step: Lessons in a step.
        lessons_per_epoch: Lessons in an epoch.
        stage: Number of the plan's stage, where it has several: the lines of the stages before it stay.
    """

    def __init__(self, path: Path, lessons_per_step: int, lessons_per_epoch: int, stage: int | None = None) -> None:
        self.path, self.lessons_per_step, self.lessons_per_epoch = path, lessons_per_step, lessons_per_epoch
        self.stage = stage
        self._start = time.monotonic()
        self._before = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Drop the lines after the checkpoint that is resumed from."""
        if state.is_world_process_zero:
            # Of a stage that begins nothing stays, not even what was measured before its first step.
            kept = keep_until(self.path, self.stage, state.global_step or -1)
            spent = json.loads(kept[-1]).get("seconds") if kept else None
            self._before = float(spent) if isinstance(spent, int | float) else 0.0

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """One line: step, epoch, loss and its parts, learning rate, gradient norm, seconds."""
        if state.is_world_process_zero and logs and "loss" in logs:
            self.write(state.global_step, {name: value for name, value in logs.items() if name not in NOT_LOGGED})

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """Append a line of values at a step."""
        record = {
            **({} if self.stage is None else {"stage": self.stage}),
            "step": step,
            "epoch": round(step * self.lessons_per_step / self.lessons_per_epoch, 4),
            **values,
            "seconds": round(self._before + time.monotonic() - self._start, 3),
        }
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")


class LayerLog(TrainerCallback):
    """Append which layers were compared, and their weights, at each draw; a resumed run goes on as `LogFile` does.

    A line's ``step`` is that of the draw's first comparison, from 0; ``teacher`` and ``student`` are numbers of layers
    from 0, ``weights`` those of the first batch.

    Args:
        path: JSON-lines file.
        loss: The training's loss.
        draw: Which layers are drawn when.
        stage: As in `LogFile`.
    """

    def __init__(self, path: Path, loss: "LessonLoss", draw: "LayerDraw", stage: int | None = None) -> None:
        self.path, self.loss, self.draw, self.stage = path, loss, draw, stage

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Drop the lines of steps that are done again."""
        if state.is_world_process_zero:
            keep_until(self.path, self.stage, state.global_step - 1)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """One line, where the step was the first of a draw."""
        step, weights = state.global_step - 1, self.loss.layer_weights
        if not state.is_world_process_zero or step % self.draw.spec.redraw or weights is None:
            return
        teacher, student = self.draw.at(step)
        record = {
            **({} if self.stage is None else {"stage": self.stage}),
            "step": step,
            "teacher": teacher,
            "student": student,
            "weights": [round(float(weight), 6) for weight in weights],
        }
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")


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
