"""All queries side by side, from the largest gain to the largest loss."""

from typing import TYPE_CHECKING

import numpy as np

from distillir.reporting.figures.figure import Figure
from distillir.reporting.query_gains import QueryGains
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.wording import count, signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

MOST_BARS = 400  # more queries than this are drawn as evenly spaced quantiles


def gains_figure(gains: QueryGains) -> Figure | None:
    """Draw the gain of every query, sorted; None where no query was judged."""
    queries = len(gains.differences)
    if not queries:
        return None
    bars = min(queries, MOST_BARS)
    heights = gains.differences[((np.arange(bars) + 0.5) * queries / bars).astype(np.int64)]
    width = queries / bars
    mean = float(gains.differences.mean())

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        edges = np.arange(bars + 1) * width
        gap = 0.16 if bars <= 120 else 0.0
        if gap:
            colours = [COLOURS["gain" if h > 0 else "loss"] for h in heights]
            axes.bar(edges[:-1] + width / 2, heights, width * (1 - gap), color=colours)
        else:
            for name, part in (("gain", heights.clip(min=0)), ("loss", heights.clip(max=0))):
                axes.stairs(part, edges, fill=True, color=COLOURS[name], linewidth=0)
        axes.axhline(0, color=COLOURS["soft"], linewidth=1)
        axes.axhline(mean, color=COLOURS["ink"], linewidth=1.2, linestyle=(0, (3, 3)))
        # Gains stand left and losses right, so a mean above zero has room at the right, one below at the left.
        side = (1, -2, 3, "right", "bottom") if mean >= 0 else (0, 2, -3, "left", "top")
        axes.annotate(
            f"mean {signed(mean)}", (side[0], mean), side[1:3], xycoords=("axes fraction", "data"),
            textcoords="offset points", ha=side[3], va=side[4], fontsize=11, fontweight="bold",
        )  # fmt: skip
        axes.set_xlim(0, queries)
        axes.locator_params(axis="x", integer=True)
        axes.set_xlabel(f"{count(queries)} queries, the largest gain first")
        axes.set_title(f"change of {gains.measure}")
        axes.grid(visible=False, axis="x")
        axes.spines["bottom"].set_visible(False)

    wins = "1 query" if gains.wins == 1 else f"{count(gains.wins)} queries"
    words = f"{wins} got better, {count(gains.ties)} stayed the same, {count(gains.losses)} got worse"
    label = f"Change of {gains.measure} of each query, sorted: {words}; mean {signed(mean)}"
    caption = f"{words[0].upper()}{words[1:]}."
    return Figure(
        caption,
        draw("query-gains-wide", label, (940, 300), paint),
        draw("query-gains-compact", label, (400, 260), paint),
    )
