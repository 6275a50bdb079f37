"""Bars of every measure before, after, of teacher and first stage, beside the gain with its confidence interval."""

from typing import TYPE_CHECKING

from distillir.reporting.figures.figure import Figure
from distillir.reporting.metrics import Metrics, System
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.wording import interval, measured, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

SYSTEMS: tuple[System, ...] = ("before", "after", "teacher", "first_stage")
BAR, APART, ROOM = 0.26, 0.02, 0.86


def measures_figure(metrics: Metrics) -> Figure | None:
    """Draw the measures, None where nothing was measured."""
    measures = metrics.measures
    if not measures:
        return None
    systems = [s for s in SYSTEMS if any(metrics.value(s, m) is not None for m in measures)]
    compared = any(metrics.compared(m) is not None for m in measures)

    def paint(canvas: "Canvas") -> None:
        if compared:
            left, right = canvas.subplots(1, 2, sharey=True, width_ratios=(5, 3))
            _gains(right, metrics)
        else:
            left = canvas.subplots()
        _bars(left, metrics, systems)
        canvas.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=len(systems))

    label = "Bars per measure. " + "; ".join(
        f"{m}: " + ", ".join(f"{_name(s)} {measured(metrics.value(s, m))}" for s in systems) for m in measures
    )
    caption = "Mean over the evaluated queries"
    if compared:
        label += ". Gains: " + "; ".join(
            f"{c.measure} {signed(c.difference)} {interval(c)}" for c in metrics.comparison
        )
        caption += ". Right: gain of the student, with the 95 % confidence interval of the paired difference"
    height = 62 + 66 * len(measures)
    tests = sorted({c.test for c in metrics.comparison if c.test})
    if tests:
        caption += f"; p values below are of a paired {' and a paired '.join(tests)}"
    return Figure(
        caption + ".",
        draw("measures-wide", label, (940, height), paint),
        draw("measures-compact", label, (400, height), paint),
    )


def _name(system: System) -> str:
    return system.replace("_", " ")


def _bars(axes: "Axes", metrics: Metrics, systems: list[System]) -> None:
    measures, bar = metrics.measures, min(BAR, ROOM / len(systems) - APART)
    for place, system in enumerate(systems):
        values = [metrics.value(system, m) for m in measures]
        rows = [i + (place - (len(systems) - 1) / 2) * (bar + APART) for i in range(len(measures))]
        axes.barh(
            rows, [v or 0.0 for v in values], bar, color=COLOURS.get(system, COLOURS["soft"]), label=_name(system)
        )
        for row, value in zip(rows, values, strict=True):
            if value is not None:
                weight = "bold" if system == "after" else "normal"
                axes.annotate(
                    measured(value), (value, row), (4, 0), textcoords="offset points",
                    va="center_baseline", fontsize=10, fontweight=weight,
                )  # fmt: skip
    axes.set_yticks(range(len(measures)), measures)
    axes.tick_params(axis="y", labelcolor=COLOURS["ink"], labelsize=12)
    most = max(metrics.value(s, m) or 0.0 for s in systems for m in measures)
    axes.set_xlim(0, 1.18 * most or 1.0)  # room for the number behind the longest bar
    axes.locator_params(axis="x", nbins=4)
    axes.set_ylim(len(measures) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def _gains(axes: "Axes", metrics: Metrics) -> None:
    for row, measure in enumerate(metrics.measures):
        compared = metrics.compared(measure)
        if compared is None:
            continue
        colour = COLOURS["gain" if compared.difference >= 0 else "loss"]
        if compared.low is not None and compared.high is not None:
            axes.plot([compared.low, compared.high], [row, row], color=colour, linewidth=2.5)
        axes.plot([compared.difference], [row], marker="o", markersize=8, color=colour)
        axes.annotate(
            signed(compared.difference), (compared.difference, row), (0, 9), textcoords="offset points",
            ha="center", fontsize=11, fontweight="bold", color=colour,
        )  # fmt: skip
    axes.axvline(0, color=COLOURS["soft"], linewidth=1)
    axes.margins(x=0.18)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel("gain")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", labelleft=False)
