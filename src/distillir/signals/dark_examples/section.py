"""Section of the report on dark examples."""

from pathlib import Path

from distillir.collections.collection import Collection
from distillir.reporting.metrics import Metrics
from distillir.reporting.section import Section, rendered
from distillir.signals.dark_examples.figures import dark_scores_figure, gap_figure, gate_figure
from distillir.signals.dark_examples.report import DarkFigures, Gate, read_dark_examples


def dark_section(path: Path, metrics: Metrics, collection: Collection | None) -> Section | None:
    """The section on dark examples; None for a run without any."""
    figures: DarkFigures | None = metrics.part("dark", DarkFigures)
    if figures is None:
        return None
    gate = metrics.part("gate", Gate) or {}
    if not (path / "dark").is_dir():
        return Section(notes=("Dark examples: the run directory has no dark/.",))
    report = read_dark_examples(path, figures, collection)
    return rendered(
        "distillir.signals.dark_examples",
        dark=figures,
        gate=gate,
        report=report,
        figures={
            "dark": dark_scores_figure(report),
            "gap": gap_figure(report),
            "gate": gate_figure(gate) if figures.confidence else None,
        },
    )
