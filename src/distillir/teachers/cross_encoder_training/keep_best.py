"""The weights of a training that are kept: measured on fixed lists, beside the checkpoints, stopped if asked for."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from distillir.base.best_state import BestState
from distillir.base.processes import first_decides
from distillir.base.progress import say
from distillir.base.tracker import Tracker, no_tracker

#: Measures that a whole training has, at most and at least.
MEASURES, FEWEST = 10, 2
#: A pair that is learnt from takes the time of so many that are scored.
BACKWARD = 3


def measures_that_fit(learnt: int, scored: int) -> int:
    """Number of measures that take no longer than the training itself, at least `FEWEST` and at most `MEASURES`.

    Args:
        learnt: Pairs that are learnt from, over all epochs.
        scored: Pairs of a measure.
    """
    return max(FEWEST, min(MEASURES, BACKWARD * learnt // max(scored, 1)))


class KeepBest(TrainerCallback):
    """Measure at regular steps and after the last; keep the last weights that are as good as the best.

    Which these are, `distillir.base.best_state.BestState` decides. What was measured lies beside the weights, and is
    not measured again when a killed training goes on: it ends with the same weights.

    Args:
        folder: Where measures and weights lie.
        model: The cross-encoder.
        measure: Gives the figure of each query [Q], in the same order each time; called by process 0 alone.
        every: Steps between measures.
        what: What is measured, for people.
        patience: Measures in a row that are not above all before them after which training stops; None: never.
        tracker: Told of each measure; None: nobody is.
    """

    def __init__(
        self,
        folder: Path,
        model: Any,
        measure: Callable[[], npt.NDArray[np.float64]],
        every: int,
        what: str,
        patience: int | None = None,
        tracker: Tracker | None = None,
    ) -> None:
        self.tracker = tracker or no_tracker()
        self.folder, self.model, self.measure, self.every, self.what = folder, model, measure, every, what
        self.patience, self.state = patience, BestState(folder)

    @property
    def measures(self) -> list[tuple[int, float]]:
        """Steps and measures so far."""
        return self.state.measures

    @property
    def kept(self) -> tuple[int, float]:
        """Step and measure of the weights that are kept."""
        return self.state.kept

    def stalled(self, step: int) -> bool:
        """Tell whether none of the last ``patience`` measures, up to a step, is above all before them."""
        measured = any(at <= step for at, _ in self.measures)
        return self.patience is not None and measured and self.state.waited(step) >= self.patience

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Read what was measured before a kill: it is not measured again."""
        self.state = first_decides(lambda: BestState.read(self.folder))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Measure where it is due; ask for an end where nothing rises any more."""
        step = state.global_step
        due = step % self.every == 0 or step == state.max_steps
        if due and not self.stalled(step):
            self.state = first_decides(lambda: self._look(step))
            self.tracker.log(None, step, {"dev_nDCG@10": self.state.known(step)})
        if self.stalled(step):
            control.should_training_stop = True

    def load(self) -> None:
        """Give the model the weights that are kept, in every process."""
        self.state.load(self.model, {})

    def _look(self, step: int) -> BestState:
        value = self.state.known(step)
        if value is None:
            start = time.monotonic()
            values = self.measure()
            value = float(values.mean())
            self.state.add(step, value, time.monotonic() - start, self.model, {}, values.tolist())
        told = "" if self.state.waited(step) else ", the best so far"
        say(f"Step {step}: nDCG@10 {value:.4f} on {self.what}{told}")
        return self.state
