"""Callback around the steps: the log file."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from distillir.base.log_lines import keep_until
from distillir.base.tracker import Tracker, no_tracker

#: What the trainer logs and the log file says in its own way, or not at all.
NOT_LOGGED = {"epoch", "step", "seconds"}


class LogFile(TrainerCallback):
    """Append every log of the training to a JSON-lines file; a resumed run goes on where its checkpoint stands.

    Args:
        path: The file.
        examples_per_step: Training examples in a step.
        examples_per_epoch: Training examples in an epoch.
        stage: Number of the plan's stage, where it has several: the lines of the stages before it stay.
        tracker: Told what the file is; None: nobody is.
    """

    def __init__(
        self,
        path: Path,
        examples_per_step: int,
        examples_per_epoch: int,
        stage: int | None = None,
        tracker: Tracker | None = None,
    ) -> None:
        self.path, self.examples_per_step, self.examples_per_epoch = path, examples_per_step, examples_per_epoch
        self.stage, self.tracker = stage, tracker or no_tracker()
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
            self.tracker.begin(self.stage, state.global_step)

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
            "epoch": round(step * self.examples_per_step / self.examples_per_epoch, 4),
            **values,
            "seconds": round(self._before + time.monotonic() - self._start, 3),
        }
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
        told = {name: value for name, value in record.items() if name not in ("stage", "step")}
        self.tracker.log(self.stage, step, told)
