"""The best weights of a training: measured on fixed lists, kept beside the checkpoints, stopped if asked for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from distillir.base.files import atomic_file, write_json
from distillir.base.processes import first_decides
from distillir.base.progress import say

#: Measures that a whole training has.
MEASURES = 10


class KeepBest(TrainerCallback):
    """Measure at regular steps and after the last; keep the weights of the highest measure.

    What was measured lies beside the weights, and measures after the checkpoint that is resumed from are made again:
    a killed training ends with the same weights.

    Args:
        folder: Where measures and weights lie.
        model: The cross-encoder.
        measure: Gives the figure; called by process 0 alone.
        every: Steps between measures.
        what: What is measured, for people.
        patience: Measures in a row that are not above all before them after which training stops; None: never.
    """

    def __init__(
        self,
        folder: Path,
        model: Any,
        measure: Callable[[], float],
        every: int,
        what: str,
        patience: int | None = None,
    ) -> None:
        self.folder, self.model, self.measure, self.every, self.what = folder, model, measure, every, what
        self.patience = patience
        self.measures: list[tuple[int, float]] = []
        self.best: tuple[int, float] | None = None

    @property
    def weights(self) -> Path:
        """The file of the best weights; there is one once something was measured."""
        return self._file(self.best[0] if self.best else 0)

    @property
    def stalled(self) -> bool:
        """Tell whether none of the last ``patience`` measures is above all before them."""
        values = [value for _, value in self.measures]
        last = self.patience
        return last is not None and len(values) > last and max(values[-last:]) <= max(values[:-last])

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Read what was measured up to the checkpoint that is resumed from."""
        self.measures, self.best = first_decides(lambda: self._read(state.global_step))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Measure where it is due; ask for an end where nothing rises any more."""
        step = state.global_step
        due = step % self.every == 0 or step == state.max_steps
        if due and not self.stalled:
            self.measures, self.best = first_decides(lambda: self._look(step))
        if self.stalled:
            control.should_training_stop = True

    def load(self) -> None:
        """Give the model its best weights, in every process."""
        from safetensors.torch import load_model

        load_model(self.model, str(self.weights))

    def _file(self, step: int) -> Path:
        return self.folder / f"best-{step}.safetensors"

    def _look(self, step: int) -> tuple[list[tuple[int, float]], tuple[int, float] | None]:
        value = self.measure()
        best = self.best
        if best is None or value > best[1]:
            from safetensors.torch import save_model

            with atomic_file(self._file(step)) as temporary:
                save_model(self.model, str(temporary))
            best = (step, value)
        measures = [*self.measures, (step, value)]
        write_json(self.folder / "measures.json", {"measures": measures, "best": best})
        for file in self.folder.glob(self._file(0).name.replace("0", "*")):
            if file != self._file(best[0]):
                file.unlink()
        say(f"Step {step}: nDCG@10 {value:.4f} on {self.what}{'' if best[0] != step else ', the best so far'}")
        return measures, best

    def _read(self, step: int) -> tuple[list[tuple[int, float]], tuple[int, float] | None]:
        file = self.folder / "measures.json"
        if not file.is_file():
            return [], None
        found = json.loads(file.read_text(encoding="utf-8"))
        measures = [(int(at), float(value)) for at, value in found["measures"] if at <= step]
        # Weights of a later step than the checkpoint's stay: they are of this training, and will be met again.
        best = found["best"]
        return measures, (int(best[0]), float(best[1]))
