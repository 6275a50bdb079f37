"""Pairs of a run directory, for the report: the pairwise teacher's preferences, by judgements."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, FiniteFloat, NonNegativeInt

from distillir.collections.collection import Collection
from distillir.reporting import summary
from distillir.reporting.figures.rounds import rounds_figure
from distillir.reporting.metrics import MaybeFloat, Metrics
from distillir.reporting.section import Section, rendered
from distillir.reporting.teacher_scores import Numbers
from distillir.signals.preferences.pair_set import open_pairs
from distillir.teachers.counted import calls_told
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


def pair_section(path: Path, metrics: Metrics, collection: Collection | None) -> Section | None:
    """The section on pairs, and on what each round gained; None for a run without either."""
    from distillir.signals.preferences.figures import preferences_figure

    stages = metrics.part("pairs", Stages) or {}
    there = bool(stages) and (path / "pairs").is_dir() and (path / "teaching").is_dir()
    missing = ("Pairs: the run directory has no pairs/ or no teaching/.",)
    if not stages and not metrics.rounds:
        return None
    return rendered(
        "distillir.signals.preferences",
        missing if stages and not there else (),
        metrics=metrics,
        stages=stages,
        calls=metrics.part("pair_calls", dict[str, NonNegativeInt]) or {},
        summary=summary,
        calls_told=calls_told,
        figures={
            "preferences": preferences_figure(read_pairs(path)) if there else None,
            "rounds": rounds_figure(metrics),
        },
    )


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
