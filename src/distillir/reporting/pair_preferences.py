"""Pairs of a run directory, for the report: the pairwise teacher's preferences, by judgements."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distillir.reporting.teacher_scores import Numbers
from distillir.signals.preferences.pair_set import open_pairs
from distillir.teaching.teaching_set import open_teaching_set


@dataclass(frozen=True)
class PairReport:
    """Pairs of a run.

    Attributes:
        preferences: P(the one that ranks higher beats the other) of pairs by what is judged relevant: ``the higher
            one``, ``the lower one``, ``not judged apart``.
    """

    preferences: dict[str, Numbers]


def read_pairs(path: Path) -> PairReport:
    """Read a run's pairs.

    Args:
        path: The run directory, with ``pairs/`` and ``teaching/``.

    Raises:
        DistillirError: Either folder cannot be opened.
    """
    pairs, lists = open_pairs(path / "pairs"), open_teaching_set(path / "teaching")
    flags = [lists.relevant(int(index)) for index in pairs.lists]
    first = np.array([own[place] for own, place in zip(flags, pairs.first, strict=True)], dtype=bool)
    second = np.array([own[place] for own, place in zip(flags, pairs.second, strict=True)], dtype=bool)
    found = pairs.preferences.astype(np.float64)
    groups = {
        "the higher one": first & ~second,
        "the lower one": second & ~first,
        "not judged apart": first == second,
    }
    return PairReport({name: found[group] for name, group in groups.items() if group.any()})
