"""Figures of pairs: the pairwise teacher's preferences, and the gain of each round."""

from typing import TYPE_CHECKING

from distillir.reporting.figures.figure import Figure
from distillir.reporting.figures.teacher import histogram
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.wording import count, percent
from distillir.signals.preferences.report import PairReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_COLOURS = {"the higher one": "gain", "the lower one": "loss", "not judged apart": "before"}


def preferences_figure(report: PairReport) -> Figure | None:
    """Draw how surely the pairwise teacher prefers the one that ranks higher, by what is judged; None without any."""
    groups = report.preferences
    if not groups:
        return None

    def paint(canvas: "Canvas") -> None:
        rows = canvas.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (name, values) in zip(rows, groups.items(), strict=True):
            histogram(axes, values, (0.0, 1.0), _COLOURS[name], None)
            axes.axvline(0.5, color=COLOURS["ink"], linewidth=1.2, linestyle=(0, (3, 3)))
            axes.set_title(f"relevant: {name} ({count(len(values))})")
            axes.set_yticks([])
        rows[-1].set_xlabel("P(the higher one beats the other)")

    turned = "; ".join(f"{name}: {percent(float((values < 0.5).mean()))}" for name, values in groups.items())
    caption = (
        "The pairwise teacher's preferences by which of the two is judged relevant. Left of the dashed line it turns "
        f"the pointwise order round ({turned})."
    )
    return Figure(caption, draw("pair-preferences", caption, (420, 340), paint))
