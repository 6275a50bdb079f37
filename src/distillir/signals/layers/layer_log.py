"""The log of layers that were compared, and of their weights."""

import json
from pathlib import Path
from typing import Any, Protocol

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from distillir.base.log_lines import keep_until


class ComparedLayers(Protocol):
    """Layers that are compared, as the log sees them."""

    @property
    def drawn(self) -> Any:
        """The draws: which layers, when."""

    @property
    def weights(self) -> Any:
        """Weights of the pairs of the step; None before the first."""


class LayerLog(TrainerCallback):
    """Append which layers were compared, and their weights, at each draw; a resumed run drops what it does again.

    A line's ``step`` is that of the draw's first comparison, from 0; ``teacher`` and ``student`` are numbers of layers
    from 0, ``weights`` those of the first batch.

    Args:
        path: JSON-lines file.
        layers: Which layers are drawn when, and what they weigh.
        stage: Number of the plan's stage, where it has several.
    """

    def __init__(self, path: Path, layers: ComparedLayers, stage: int | None = None) -> None:
        self.path, self.layers, self.stage = path, layers, stage

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Drop the lines of steps that are done again."""
        if state.is_world_process_zero:
            keep_until(self.path, self.stage, state.global_step - 1)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """One line, where the step was the first of a draw."""
        step, weights, draw = state.global_step - 1, self.layers.weights, self.layers.drawn
        if not state.is_world_process_zero or step % draw.spec.redraw or weights is None:
            return
        teacher, student = draw.at(step)
        record = {
            **({} if self.stage is None else {"stage": self.stage}),
            "step": step,
            "teacher": teacher,
            "student": student,
            "weights": [round(float(weight), 6) for weight in weights],
        }
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
