"""Draw of the layers of teacher and student that are compared at a step."""

from dataclasses import dataclass

import numpy as np

from distillir.base.seeds import LAYER_DRAWS
from distillir.signals.layers.spec import LayerSpec


@dataclass(frozen=True)
class LayerDraw:
    """Pairs of layers, the same in all processes and after a resume: a draw depends on the seed and the step alone.

    Args:
        spec: How they are chosen.
        teacher: Layers that the teacher has.
        student: Layers that the student has.
        seed: Of the draws.
        best: Layers of the teacher from the best on, for ``choice: best`` (`quality.best_layers`).
    """

    spec: LayerSpec
    teacher: int
    student: int
    seed: int
    best: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Number of pairs of layers."""
        return min(self.spec.count, self.teacher, self.student)

    def at(self, step: int) -> tuple[list[int], list[int]]:
        """Layers of the teacher and those of the student that follow them, numbered from 0.

        Source:
            microsoft/SimXNS LEAD/util.py select_layer: on either side uniformly without replacement, sorted, paired in
            order; drawn anew every ten steps (run_LEAD.py, where it shares a counter with saving). ``skip``: the
            teacher's 0, 2, 4, ..., the student's last ones.
        """
        own = list(range(self.student - self.count, self.student))
        if self.spec.choice == "last":
            return list(range(self.teacher - self.count, self.teacher)), own
        if self.spec.choice == "best":
            return sorted(self.best[: self.count]), own
        if self.spec.choice == "skip":
            every = list(range(0, self.teacher, 2))[: self.count]
            return every, own[len(own) - len(every) :]
        draw = np.random.default_rng([self.seed, step // self.spec.redraw, LAYER_DRAWS])
        sides = (np.sort(draw.choice(layers, self.count, replace=False)) for layers in (self.teacher, self.student))
        teacher, student = (side.tolist() for side in sides)
        return teacher, student
