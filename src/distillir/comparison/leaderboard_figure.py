"""Figure of a comparison's cells: seeds as dots, their mean as a bar, baseline and teacher as lines."""

from typing import TYPE_CHECKING

from distillir.comparison.leaderboard import Leaderboard
from distillir.reporting.figures.figure import Figure
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.wording import measured, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


def leaderboard_figure(board: Leaderboard) -> Figure:
    """Draw the first measure of every cell."""
    measure = board.measures[0]
    rows = board.rows

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        for place, row in enumerate(rows):
            sure = row.against is not None and row.against.corrected < 0.05
            better = row.against is not None and row.against.difference > 0
            colour = COLOURS[("gain" if better else "loss") if sure else "after"]
            axes.plot([row.before, row.means[measure]], [place, place], color=COLOURS["line"], linewidth=5, zorder=1)
            axes.scatter(row.by_seed, [place] * len(row.by_seed), s=22, color=colour, alpha=0.5, zorder=2)
            axes.plot([row.means[measure]] * 2, [place - 0.3, place + 0.3], color=colour, linewidth=3, zorder=3)
            axes.annotate(
                measured(row.means[measure]), (max(*row.by_seed, row.means[measure]), place), (8, 0),
                textcoords="offset points", va="center_baseline", fontsize=11,
            )  # fmt: skip
        base = next((row for row in rows if row.name == board.baseline), None)
        if base is not None:
            axes.axvline(base.means[measure], color=COLOURS["soft"], linewidth=1, linestyle=(0, (4, 3)))
        lowest = min(min(row.before, *row.by_seed) for row in rows)
        highest = max(max(row.before, *row.by_seed) for row in rows)
        room = max(highest - lowest, 1e-3)
        axes.set_xlim(lowest - 0.05 * room, highest + 0.25 * room)
        if measure in board.teacher:
            _teacher(axes, board.teacher[measure])
        axes.set_yticks(range(len(rows)), [shortened(row.name, 40) for row in rows])
        axes.tick_params(axis="y", labelcolor=COLOURS["ink"], labelsize=12)
        axes.set_ylim(len(rows) - 0.4, -0.9)
        axes.set_xlabel(measure)
        axes.grid(visible=False, axis="y")

    label = f"{measure} by cell: " + "; ".join(f"{row.name} {measured(row.means[measure])}" for row in rows)
    caption = (
        f"Dots are seeds, the upright bar their mean; the grey bar begins at the student before training. Dashed: the "
        f"baseline {board.baseline}. Coloured: significantly better or worse than it after correction."
    )
    return Figure(caption, draw("leaderboard", label, (940, 90 + 44 * len(rows)), paint))


def _teacher(axes: "Axes", value: float) -> None:
    """Draw a line for the teacher or, where it is far off, a note at the edge, so that the cells stay apart."""
    low, high = axes.get_xlim()
    inside = low < value < high
    if inside:
        axes.axvline(value, color=COLOURS["teacher"], linewidth=1.5)
    said = "teacher" if inside else f"teacher {measured(value)} \N{RIGHTWARDS ARROW}"
    place = min(max(value, low), high)
    axes.annotate(said, (place, -0.6), (-4, 0), textcoords="offset points", ha="right", fontsize=11,
                  color=COLOURS["teacher"])  # fmt: skip
