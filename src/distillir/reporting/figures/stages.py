"""Horizontal bars of the time that each stage took."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from distillir.reporting.figures.figure import Figure
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.wording import elapsed, percent, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


def stages_figure(seconds: Mapping[str, float]) -> Figure | None:
    """Draw the wall-clock time of each stage, in the order they ran; None where no stage was timed.

    Args:
        seconds: Stage to seconds.
    """
    if not seconds:
        return None
    names = [shortened(name, 24) for name in seconds]
    values = list(seconds.values())
    total = sum(values)

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        axes.barh(range(len(values)), values, 0.62, color=COLOURS["after"])
        for row, value in enumerate(values):
            axes.annotate(
                elapsed(value), (value, row), (5, 0), textcoords="offset points", va="center_baseline", fontsize=11
            )
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", labelcolor=COLOURS["ink"], labelsize=12)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, (max(values) or 1.0) * 1.3)  # room for the longest bar's words
        axes.set_xticks([])
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)

    longest = max(seconds, key=lambda name: seconds[name])
    caption = f"{elapsed(total)} in all"
    if total > 0 and len(values) > 1:
        caption += f"; {percent(seconds[longest] / total)} of it in {longest}"
    label = "Time per stage: " + ", ".join(f"{name} {elapsed(value)}" for name, value in seconds.items())
    return Figure(caption + ".", draw("stages", label, (420, 14 + 30 * len(values)), paint))
