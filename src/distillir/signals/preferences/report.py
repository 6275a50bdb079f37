"""Pairs of a run directory, for the report: the pairwise teacher's preferences, by judgements."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, FiniteFloat, NonNegativeInt

from distillir.reporting.metrics import MaybeFloat
from distillir.reporting.teacher_scores import Numbers
from distillir.signals.preferences.pair_set import open_pairs
from distillir.teaching.teaching_set import open_teaching_set


class PairFigures(BaseModel):
    """Figures on pairs: the result of `distillir.signals.preferences.diagnostics.diagnose_pairs`, read back."""

    model_config = ConfigDict(extra="ignore")

    pairs: NonNegativeInt
    lists: NonNegativeInt
    disagree: FiniteFloat
    judged: NonNegativeInt
    pairwise_right: MaybeFloat = None
    pointwise_right: MaybeFloat = None
    certainty: FiniteFloat
    position_bias: MaybeFloat = None
    consistent: MaybeFloat = None


def _by_stage(value: object) -> object:
    """Put figures of the run's own pairs beside those of later stages."""
    if not isinstance(value, dict):
        return value
    later = {name: found for name, found in value.items() if name.startswith("stage ")}
    own = {name: found for name, found in value.items() if name not in later}
    return {**({"first": own} if own else {}), **later}


#: Figures by when the pairs were asked about: ``first``, then ``stage 2`` and so on.
Stages = Annotated[dict[str, PairFigures], BeforeValidator(_by_stage)]


@dataclass(frozen=True)
class PairReport:
    """Pairs of a run.

    Attributes:
        preferences: P(the one that ranks higher beats the other) of pairs by what is judged relevant: ``the higher
            one``, ``the lower one``, ``not judged apart``.
    """

    preferences: dict[str, Numbers]


def read_pair_report(path: Path) -> PairReport:
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
