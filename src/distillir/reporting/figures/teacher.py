"""Histograms of the teacher's scores: relevant candidates against others, and how decided each list is."""

from typing import TYPE_CHECKING

import numpy as np

from distillir.reporting.figures.figure import Figure
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.teacher_scores import Numbers, TeacherScores
from distillir.reporting.wording import count, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

BINS = 36


def scores_figure(scores: TeacherScores) -> Figure | None:
    """Draw the distribution of the teacher's scores, by relevance; None where there is no score."""
    groups = {"judged relevant": ("gain", scores.relevant), "other candidates": ("before", scores.other)}
    groups = {name: group for name, group in groups.items() if len(group[1])}
    if not groups:
        return None
    ends = np.array([np.quantile(values, [0.002, 0.998]) for _, values in groups.values()])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())  # a single far outlier must not squeeze the rest

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        for name, (colour, values) in reversed(groups.items()):
            histogram(axes, values, (low, high), colour, f"{name} ({count(len(values))})")
        axes.set_xlabel("teacher's score")
        axes.set_ylabel("% of the group")
        handles, labels = axes.get_legend_handles_labels()
        canvas.legend(handles[::-1], labels[::-1], loc="outside upper left", ncols=2)

    words = "; ".join(f"{name}: median {short(float(np.median(values)))}" for name, (_, values) in groups.items())
    caption = f"The teacher's scores, each group adding up to 100 %. {words[0].upper()}{words[1:]}."
    if scores.read < scores.lists:
        caption += f" From {count(scores.read)} of {count(scores.lists)} lists, evenly spread."
    return Figure(caption, draw("teacher-scores", f"Histogram of the teacher's scores. {words}", (420, 290), paint))


def evenness_figure(scores: TeacherScores) -> Figure | None:
    """Draw how decided the teacher is on each list; None where no list has two scores."""
    if not len(scores.evenness):
        return None
    middle, spread = float(np.median(scores.evenness)), float(np.median(scores.spread))

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        histogram(axes, scores.evenness, (0.0, 1.0), "teacher", None)
        axes.axvline(middle, color=COLOURS["ink"], linewidth=1.2, linestyle=(0, (3, 3)))
        axes.annotate(
            "median", (middle, 1), (5 if middle < 0.5 else -5, -2), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", ha="left" if middle < 0.5 else "right", fontsize=10,
        )  # fmt: skip
        axes.set_xlabel("entropy: 0 one candidate takes all, 1 all alike")
        axes.set_ylabel("% of the lists")
        axes.set_xlim(0, 1)

    words = f"median entropy {middle:.2f} of the largest possible, median spread (standard deviation) {short(spread)}"
    caption = f"How decided the teacher is on each list, softmax at temperature 1: {words}."
    return Figure(caption, draw("teacher-evenness", f"Histogram of entropy per list: {words}", (420, 290), paint))


def histogram(axes: "Axes", values: Numbers, limits: tuple[float, float], colour: str, label: str | None) -> None:
    """Draw a histogram whose bars add up to 100 %, within limits."""
    if limits[0] == limits[1]:  # every score alike
        limits = (limits[0] - 0.5, limits[1] + 0.5)
    heights, edges = np.histogram(values, bins=BINS, range=limits)
    axes.stairs(100 * heights / len(values), edges, fill=True, color=COLOURS[colour], alpha=0.35)
    axes.stairs(100 * heights / len(values), edges, color=COLOURS[colour], linewidth=1.8, label=label)
