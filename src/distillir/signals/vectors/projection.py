"""The linear map from a student's vectors to those that they follow, where the widths differ."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from distillir.encoding.store import Vectors
from distillir.signals.vectors.teacher_vectors import unit

#: Texts of each side that a map is fitted to at most.
FITTED_TO = 1024
#: Ridge of the fit, in shares of the mean square of the student's vectors.
_RIDGE = 1e-3


def new_projection(student: int, teacher: int, weight: Vectors | None = None) -> nn.Module:
    """A linear map without a bias, as sentence-transformers' module ``Dense``.

    Args:
        student: Width of the student's vectors.
        teacher: Width of those that they follow.
        weight: Its weights [teacher, student]; None: drawn by torch, as a linear layer's are.
    """
    from sentence_transformers.base.modules import Dense

    made: Any = Dense(student, teacher, bias=False, activation_function=None)
    if weight is not None:
        with torch.no_grad():
            made.linear.weight.copy_(torch.from_numpy(weight))
    module: nn.Module = made
    return module


def load_projection(folder: Path) -> nn.Module:
    """The map that a stage has left in a folder."""
    from sentence_transformers.base.modules import Dense

    loaded: nn.Module = Dense.load(str(folder))
    return loaded


def fitted_weight(student: Vectors, teacher: Vectors) -> Vectors:
    """Weights [E, D] of the linear map from vectors [T, D] that comes nearest to vectors [T, E], by ridge regression.

    Few texts leave it small in directions that none of them has.
    """
    own, wanted = student.astype(np.float64), teacher.astype(np.float64)
    squares = own.T @ own
    ridge = max(_RIDGE * float(np.trace(squares)) / len(squares), 1e-12)
    found = np.linalg.solve(squares + ridge * np.eye(len(squares)), own.T @ wanted)
    return np.ascontiguousarray(found.T, dtype=np.float32)


def fitted(own: Mapping[str, Vectors], wanted: Mapping[str, Vectors], *, unit_length: bool) -> Vectors:
    """`fitted_weight` of a student's vectors and those that they follow, by side.

    Args:
        own: The student's [T, D].
        wanted: Those that it follows, of the same texts [T, E].
        unit_length: Whether the student compares cosines, so that its vectors count at length 1.
    """
    student = np.concatenate([own[side] for side in wanted])
    return fitted_weight(unit(student) if unit_length else student, np.concatenate(list(wanted.values())))
