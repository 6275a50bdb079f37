"""Section of the report on pairs."""

from pathlib import Path

from pydantic import NonNegativeInt

from distillir.collections.collection import Collection
from distillir.reporting import summary
from distillir.reporting.figures.rounds import rounds_figure
from distillir.reporting.metrics import Metrics
from distillir.reporting.section import Section, rendered
from distillir.signals.preferences.figures import preferences_figure
from distillir.signals.preferences.report import Stages, read_pair_report
from distillir.teachers.counted import calls_told


def pair_section(path: Path, metrics: Metrics, collection: Collection | None) -> Section | None:
    """The section on pairs, and on what each round gained; None for a run without either."""
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
            "preferences": preferences_figure(read_pair_report(path)) if there else None,
            "rounds": rounds_figure(metrics),
        },
    )
