"""Figures of dark examples: the teacher's scores of each kind of text, and the share of lists behind the gate."""

from typing import TYPE_CHECKING

import numpy as np

from distillir.reporting.figures.figure import Figure
from distillir.reporting.figures.teacher import histogram
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.wording import count, percent, short
from distillir.signals.dark_examples.report import DarkReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_COLOURS = {
    "positives": "gain",
    "noisy positives": "after",
    "reinforced negatives": "teacher",
    "hard negatives": "before",
}
_NAMES = {"noisy": "noisy positives", "reinforced": "reinforced negatives"}


def dark_scores_figure(report: DarkReport) -> Figure | None:
    """Draw the teacher's scores of positives, hard negatives and dark examples, a row each; None without any."""
    groups = {name: values for name, values in report.scores.items() if len(values)}
    if not groups:
        return None
    ends = np.array([np.quantile(values, [0.002, 0.998]) for values in groups.values()])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())

    def paint(canvas: "Canvas") -> None:
        rows = canvas.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (name, values) in zip(rows, groups.items(), strict=True):
            histogram(axes, values, (low, high), _COLOURS[name], None)
            axes.axvline(float(np.median(values)), color=COLOURS["ink"], linewidth=1.2, linestyle=(0, (3, 3)))
            axes.set_title(f"{name} ({count(len(values))})")
            axes.set_yticks([])
        rows[-1].set_xlabel("teacher's score")

    words = "; ".join(f"{name}: median {short(float(np.median(values)))}" for name, values in groups.items())
    caption = f"The teacher's scores by kind of text, medians dashed. {words[0].upper()}{words[1:]}."
    if report.read < report.lists:
        caption += f" From {count(report.read)} of {count(report.lists)} lists, evenly spread."
    return Figure(caption, draw("dark-scores", f"Histograms of the teacher's scores. {words}", (420, 400), paint))


def gap_figure(report: DarkReport) -> Figure | None:
    """Draw the place of dark texts between best hard negative and positive of their own list; None without any."""
    places = {kind: values for kind, values in report.places.items() if len(values)}
    if not places:
        return None

    def paint(canvas: "Canvas") -> None:
        rows = canvas.subplots(len(places), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (kind, values) in zip(rows, places.items(), strict=True):
            axes.axvspan(0, 1, color=COLOURS["gain"], alpha=0.12, linewidth=0)
            histogram(axes, np.clip(values, -2, 3), (-2, 3), _COLOURS[_NAMES[kind]], None)
            axes.set_title(_NAMES[kind])
            axes.set_yticks([])
        rows[-1].set_xticks([0, 1], ["best hard\nnegative", "positive"])

    inside = {_NAMES[kind]: float(((values > 0) & (values < 1)).mean()) for kind, values in places.items()}
    words = "; ".join(f"{percent(share)} of {name}" for name, share in inside.items())
    caption = (
        f"Where dark examples lie in the gap of their own list (shaded): {words}. Lists whose positive the teacher "
        "prefers; what is far outside stands at the edges."
    )
    return Figure(caption, draw("dark-gap", caption, (420, 300), paint))


def gate_figure(gate: dict[str, list[tuple[int, float]]]) -> Figure | None:
    """Draw the share of lists whose dark examples the gate lets through, per epoch; None for a single epoch.

    Args:
        gate: Of each stage, by its number: lessons with dark examples and the open share of each epoch.
    """
    shares = [(stage, epoch, share) for stage, rows in gate.items() for epoch, (_, share) in enumerate(rows, 1)]
    if len(shares) < 2:
        return None
    several = len(gate) > 1
    names = [f"{stage}.{epoch}" if several else str(epoch) for stage, epoch, _ in shares]

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        axes.bar(names, [100 * share for *_, share in shares], color=COLOURS["teacher"], alpha=0.6, width=0.6)
        axes.set_ylim(0, 100)
        axes.set_xlabel("stage.epoch" if several else "epoch")
        axes.set_ylabel("% of the lists with dark examples")

    words = ", ".join(f"{name}: {percent(share)}" for name, (*_, share) in zip(names, shares, strict=True))
    which = "stage and epoch" if several else "epoch"
    caption = f"Lists whose dark examples the gate let through, by {which} ({words})."
    return Figure(caption, draw("dark-gate", caption, (420, 260), paint))
