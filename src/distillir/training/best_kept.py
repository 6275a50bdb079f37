"""Measuring a student while it is trained, keeping a state of it, and stopping where it rises no more."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from distillir.base.best_state import BestState
from distillir.base.processes import rank
from distillir.base.progress import say
from distillir.base.trainer_callbacks import first_says
from distillir.training.callbacks import LogFile
from distillir.training.measure_watcher import MeasureWatcher
from distillir.training.pool_ranking import PoolRanking
from distillir.training.selection import MEASURE, measure_steps


class BestKept(TrainerCallback):
    """Measures before the first step and at evenly spaced steps; every process measures a part of the pool.

    Args:
        ranking: Measures the student.
        state: Measures and weights so far.
        log: Where measures are appended, as ``dev_nDCG@10``.
        steps: Of the training.
        measures: How often it is measured, the end included.
        patience: Measures in a row without a rise after which training stops; None: never.
        along: What is trained along, by name: it is kept from the same step.
        watchers: Told of each measure.
    """

    def __init__(
        self,
        ranking: PoolRanking,
        state: BestState,
        log: LogFile,
        *,
        steps: int,
        measures: int,
        patience: int | None,
        along: Mapping[str, Any],
        watchers: Sequence[MeasureWatcher] = (),
    ) -> None:
        self.watchers = watchers
        self.ranking, self.state, self.log, self.along = ranking, state, log, along
        self.steps, self.due, self.patience = steps, measure_steps(steps, measures), patience

    @property
    def stopped(self) -> bool:
        """Tell whether patience has ended the training before its last step."""
        last = max((step for step, _ in self.state.measures), default=0)
        return last < self.steps and self._impatient(last)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Measure the student as it is before training."""
        if state.global_step == 0:
            self._measure(0)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Measure where it is due, and end the training where nothing has risen for so long."""
        if state.global_step in self.due:
            self._measure(state.global_step)
            if self._impatient(state.global_step):
                control.should_training_stop = True

    def _impatient(self, step: int) -> bool:
        return self.patience is not None and step > 0 and self.state.waited(step) >= self.patience

    def _measure(self, step: int) -> None:
        value, values = self.state.known(step), None
        if value is None:
            start = time.monotonic()
            values = first_says(self.ranking.values())
            value = float(values.mean())
            self.state.add(step, value, time.monotonic() - start, self.ranking.model, self.along, values.tolist())
        best = "" if step == 0 or self.state.waited(step) else ", the best so far"
        say(f"Step {step} of {self.steps}: {MEASURE} {value:.4f} on {self.ranking.selection.split}{best}")
        if rank() == 0:
            self.log.write(step, {f"dev_{MEASURE}": value})
        for watcher in self.watchers:
            watcher.on_measure(step, self.steps, value, values)
