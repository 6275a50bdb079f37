"""Callbacks of all transformers' trainers here: the progress bar, and checkpoints by the clock."""

import os
import time
from collections.abc import Callable
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

from distillir.base.tracker import Tracker

T = TypeVar("T")

COMPLETE = "complete"


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


class Tracking(TrainerCallback):
    """Tell a tracker what a trainer logs."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin, or go on after a checkpoint."""
        self._tracker.begin(None, state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Losses, rate and gradient norm."""
        if logs and "loss" in logs:
            self._tracker.log(None, state.global_step, logs)


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
    """The value of process 0, in every process."""
    import torch.distributed

    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return value
    said = [value]
    torch.distributed.broadcast_object_list(said, src=0)
    return said[0]


def take_steps(trainer: Any, checkpoints: Path) -> None:
    """Have a trainer of transformers take its steps, from the last whole checkpoint on where there is one.

    Args:
        trainer: With `Bar` and `ClockedCheckpoints` among its callbacks, which stand for its own printing.
        checkpoints: The folder that it saves them in.
    """
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    resumed = last_checkpoint(checkpoints)
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was saved whole, or None."""
    found = [
        (int(path.name.rsplit("-", 1)[1]), path)
        for path in folder.glob("checkpoint-*")
        if (path / COMPLETE).is_file() and path.name.rsplit("-", 1)[1].isdigit()
    ]
    return max(found)[1] if found else None
