"""A callback of the trainer that is also told what a student measured while it is trained."""

import numpy as np
import numpy.typing as npt
from transformers import TrainerCallback


class MeasureWatcher(TrainerCallback):
    """A callback that receives each measure of `distillir.training.best_kept.BestKept`, in every process."""

    def on_measure(self, step: int, steps: int, value: float, values: npt.NDArray[np.float64] | None) -> None:
        """A measure was made, or is known from before a kill.

        Args:
            step: Steps of the optimiser so far; 0 before the first.
            steps: Of the training.
            value: The mean over the queries.
            values: Of each query [Q]; None where the measure is known from before.
        """
