"""The run, where it stood before."""

from distillir.base.arrays import Scores
from distillir.collections.run import Run, from_lists

__all__ = ["Run", "Scores", "from_lists"]
