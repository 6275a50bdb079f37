"""The report of a run: one HTML file that opens offline and runs no script."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.collections.collection import Collection
from distillir.reporting import summary, wording
from distillir.reporting.figures.figure import Figure
from distillir.reporting.figures.gains import gains_figure
from distillir.reporting.figures.measures import measures_figure
from distillir.reporting.figures.stages import stages_figure
from distillir.reporting.figures.teacher import evenness_figure, scores_figure
from distillir.reporting.figures.training import dev_figure, loss_figure, parts_figure
from distillir.reporting.page import render, write_page
from distillir.reporting.run_directory import RunDirectory, read_run_directory
from distillir.reporting.section import Section, sections
from distillir.students.kind import StudentKind
from distillir.students.registry import STUDENTS


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
    run = read_run_directory(run_directory, collection)
    html = _html(run, sections(run_directory, run.metrics, collection))
    path = run_directory / "report.html"
    write_page(path, html)
    return path


def _html(run: RunDirectory, further: list[Section]) -> str:
    metrics = run.metrics
    diagnostics = wording.rows_of(metrics.diagnostics)
    return render(
        "report.html.j2",
        run=run,
        metrics=metrics,
        figures=_figures(run),
        sections=[section.html for section in further if section.html is not None],
        notes=[*run.notes, *(note for section in further for note in section.notes)],
        summary=summary,
        diagnostics=diagnostics,
        student_kind=_student_kind(metrics.student.kind) if metrics.student else None,
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
    )
