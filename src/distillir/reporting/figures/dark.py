"""Dark examples drawn: the teacher's scores of each kind of text, and how many lists the gate lets through."""

from typing import TYPE_CHECKING

import numpy as np

from distillir.reporting.dark_examples import DarkReport
from distillir.reporting.figures.figure import Figure
from distillir.reporting.figures.teacher import histogram
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.wording import count, percent, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_COLOURS = {
    "positives": "gain",
    "noisy positives": "after",
    "reinforced negatives": "teacher",
    "hard negatives": "before",
}


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
