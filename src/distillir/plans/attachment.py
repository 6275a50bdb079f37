"""Attachment: what a signal adds to a training example while the list is drawn."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from distillir.collections.table import Rows


@dataclass(frozen=True)
class Drawn:
    """A query's list as it was drawn for one training example.

    Attributes:
        index: Number of the query's list.
        chosen: Places of the candidates that the example shows [N].
        progress: Part of the stage that is done, 0 to 1.
        epoch: From 0.
        seed: Of the stage.
    """

    index: int
    chosen: Rows
    progress: float
    epoch: int
    seed: int

    def generator(self, stream: int) -> np.random.Generator:
        """Random numbers of this list in this epoch, the same whatever was drawn before.

        Args:
            stream: A number that no other signal uses: 1 and 2 draw lists, 3 dark examples; those outside the package
                take 1000 or more.
        """
        return np.random.default_rng([self.seed, self.epoch, self.index, stream])


class Attachment:
    """Answers of a signal by list; everything here is optional.

    Attributes:
        name: Under what an example holds what `attach` gives: the signal's.
    """

    name: str

    def shown(self, index: int, chosen: Rows, drawn: list[int]) -> Rows:
        """Places of the candidates that an example shall show, of as many as were chosen.

        Args:
            index: Number of the query's list.
            chosen: Places [N] that the form of list takes; returned as they are where the signal wants no others.
            drawn: Seeds of what was random in them.
        """
        return chosen

    def lets_list_through(self, index: int, progress: float) -> bool:
        """Whether the list is learnt from at this part (0 to 1) of the stage."""
        return True

    def attach(self, drawn: Drawn) -> Any:
        """What the example holds of the signal; None for nothing."""
        return None
