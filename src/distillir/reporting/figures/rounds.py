"""What each round of a run gained, drawn."""

from typing import TYPE_CHECKING

from distillir.reporting.figures.figure import Figure
from distillir.reporting.metrics import Metrics
from distillir.reporting.summary import rounds
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.wording import measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


def rounds_figure(metrics: Metrics) -> Figure | None:
    """Draw the main measure after each round; None for a run without rounds."""
    if not metrics.rounds or not metrics.measures:
        return None
    points = rounds(metrics, metrics.measures[0])

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        axes.plot([name for name, _ in points], [value for _, value in points], marker="o", color=COLOURS["after"])
        teacher = metrics.value("teacher", metrics.measures[0])
        if teacher is not None:
            axes.axhline(teacher, color=COLOURS["teacher"], linewidth=1.2, linestyle=(0, (3, 3)))
        axes.set_title(metrics.measures[0])

    words = ", ".join(f"{name} {measured(value)}" for name, value in points)
    caption = f"{metrics.measures[0]} of the student over the rounds: {words}. Dashed: the teacher."
    return Figure(caption, draw("rounds", caption, (420, 260), paint))
