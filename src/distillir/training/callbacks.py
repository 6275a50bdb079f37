"""What happens around the steps: the log file, the progress bar, checkpoints by the clock."""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from transformers import (
    PrinterCallback,
    ProgressCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from distillir.base.log_lines import keep_until

T = TypeVar("T")

COMPLETE = "complete"
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


class Bar(TrainerCallback):
    """Advance a progress bar by each step."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count the steps that were done before a resume."""
        self._advance(state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """One step more."""
        self._advance(1)


class ClockedCheckpoints(TrainerCallback):
    """Save a checkpoint every so many seconds, and mark it once all of it is on disk."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._last = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Ask for a checkpoint when the time has come (never after the last step: the student itself is saved then)."""
        # Every process must save at the same step, and clocks differ: the first one's decides.
        due = time.monotonic() - self._last >= self.seconds and state.global_step < state.max_steps
        if first_says(due):
            self._last = time.monotonic()
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Mark the checkpoint as whole."""
        if state.is_world_process_zero and args.output_dir:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            for file in folder.iterdir():
                if file.is_file():
                    with file.open("rb") as written:
                        os.fsync(written.fileno())
            (folder / COMPLETE).touch()


def first_says(value: T) -> T:
    """What process 0 gives."""
    import torch.distributed

    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return value
    said = [value]
    torch.distributed.broadcast_object_list(said, src=0)
    return said[0]


def silence(trainer: Any) -> None:
    """Our log file and progress bar stand for the trainer's own printing."""
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was saved whole, or None."""
    found = [
        (int(path.name.rsplit("-", 1)[1]), path)
        for path in folder.glob("checkpoint-*")
        if (path / COMPLETE).is_file() and path.name.rsplit("-", 1)[1].isdigit()
    ]
    return max(found)[1] if found else None
