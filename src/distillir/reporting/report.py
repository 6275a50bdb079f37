"""The report of a run: one HTML file that opens offline and runs no script."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.collections.collection import Collection
from distillir.reporting import summary, wording
from distillir.reporting.figures.dark import dark_scores_figure, gap_figure, gate_figure
from distillir.reporting.figures.figure import Figure
from distillir.reporting.figures.gains import gains_figure
from distillir.reporting.figures.layers import layer_pairs_figure, layer_quality_figure, layer_weights_figure
from distillir.reporting.figures.measures import measures_figure
from distillir.reporting.figures.pairs import preferences_figure, rounds_figure
from distillir.reporting.figures.stages import stages_figure
from distillir.reporting.figures.teacher import evenness_figure, scores_figure
from distillir.reporting.figures.training import dev_figure, loss_figure, parts_figure
from distillir.reporting.page import render, write_page
from distillir.reporting.run_directory import RunDirectory, read_run_directory
from distillir.students.kind import StudentKind
from distillir.students.registry import STUDENTS
from distillir.teachers.counted import calls_told


@dataclass(frozen=True)
class Figures:
    """All figures of a report; None where there is nothing to draw."""

    measures: Figure | None
    gains: Figure | None
    loss: Figure | None
    parts: Figure | None
    dev: Figure | None
    scores: Figure | None
    evenness: Figure | None
    stages: Figure | None
    dark: Figure | None
    gap: Figure | None
    gate: Figure | None
    preferences: Figure | None
    rounds: Figure | None
    layer_quality: Figure | None
    layer_weights: Figure | None
    layer_pairs: Figure | None


def render_report(run_directory: Path, collection: Collection | None = None) -> Path:
    """Write ``report.html`` into a run directory, from what the directory holds and nothing else.

    The file is self-contained: style and figures are in it, it loads nothing and runs no script. The same run
    directory gives the same bytes. Parts without data are left out, and a note at the end says why.

    Args:
        run_directory: The folder that ``distillir run --output`` wrote; only its ``metrics.json`` must be there.
        collection: What the run was made of, for the texts and judgements of single queries.

    Returns:
        Path of the report.

    Raises:
        DistillirError: There is no such folder, or a file in it is malformed.
    """
    html = _html(read_run_directory(run_directory, collection))
    path = run_directory / "report.html"
    write_page(path, html)
    return path


def _html(run: RunDirectory) -> str:
    metrics = run.metrics
    diagnostics = [(k, v) for k, v in _flat(metrics.diagnostics)]
    return render(
        "report.html.j2",
        run=run,
        metrics=metrics,
        figures=_figures(run),
        summary=summary,
        diagnostics=diagnostics,
        student_kind=_student_kind(metrics.student.kind) if metrics.student else None,
        calls_told=calls_told,
    )


def _student_kind(kind: str) -> StudentKind | None:
    """What ``kind`` names; None where that is code that may not run now, or is gone."""
    with suppress(DistillirError):
        return STUDENTS.get(kind)
    return None


def _figures(run: RunDirectory) -> Figures:
    log, scores = run.log, run.scores
    return Figures(
        measures=measures_figure(run.metrics),
        gains=gains_figure(run.gains) if run.gains else None,
        loss=loss_figure(log) if log else None,
        parts=parts_figure(log) if log else None,
        dev=dev_figure(log, run.metrics.selection) if log else None,
        scores=scores_figure(scores) if scores else None,
        evenness=evenness_figure(scores) if scores else None,
        stages=stages_figure(run.metrics.seconds),
        dark=dark_scores_figure(run.dark) if run.dark else None,
        gap=gap_figure(run.dark) if run.dark else None,
        gate=gate_figure(run.metrics.gate) if run.metrics.dark and run.metrics.dark.confidence else None,
        preferences=preferences_figure(run.pairs) if run.pairs else None,
        rounds=rounds_figure(run.metrics),
        layer_quality=layer_quality_figure(run.layers.quality) if run.layers and run.layers.quality else None,
        layer_weights=layer_weights_figure(run.layers) if run.layers else None,
        layer_pairs=layer_pairs_figure(run.layers) if run.layers else None,
    )


def _flat(value: object, name: str = "") -> list[tuple[str, object]]:
    """Rows of a table from nested free-form numbers: ``{"a": {"b": 1}}`` is ``a b`` and 1."""
    if isinstance(value, dict):
        return [row for key, inner in value.items() for row in _flat(inner, f"{name} {key}".strip())]
    if isinstance(value, list):
        return [(name, ", ".join(wording.plain(v) for v in value))]
    return [(name, value)]
