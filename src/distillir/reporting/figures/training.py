"""Curves over training steps: the loss, its parts, the learning rate, measures on the dev split."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from distillir.reporting.figures.figure import Figure
from distillir.reporting.metrics import SelectionFigures
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.training_log import Curve, TrainingLog
from distillir.reporting.wording import count, measured, short, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

LINES = ("after", "teacher", "gain", "loss", "before", "ink")
FEW = 30  # points; a curve of fewer is drawn as it is, with its points


def loss_figure(log: TrainingLog) -> Figure | None:
    """Draw the loss, with the learning rate below it; None where no loss was logged."""
    loss, rate = log.curves.get("loss"), log.curves.get("learning_rate")
    if not loss:
        return None

    def paint(canvas: "Canvas") -> None:
        if rate:
            top, bottom = canvas.subplots(2, 1, sharex=True, height_ratios=(4, 1))
            bottom.plot(rate.thinned().steps, rate.thinned().values, color=COLOURS["soft"], linewidth=1.5)
            bottom.set_title("learning rate")
            bottom.set_ylim(bottom=0)
            bottom.set_yticks([0, max(rate.values)], ["0", f"{max(rate.values):.0e}".replace("e-0", "e-")])
            bottom.margins(x=0.01)
        else:
            top = bottom = canvas.subplots()
        shown = loss.thinned()
        if len(loss) < FEW:
            top.plot(shown.steps, shown.values, color=COLOURS["after"], marker="o", markersize=4)
        else:
            top.plot(shown.steps, shown.values, color=COLOURS["after"], alpha=0.3, linewidth=1)
            top.plot(shown.steps, shown.smoothed().values, color=COLOURS["after"])
        top.set_title("loss")
        top.margins(x=0.01)
        bottom.set_xlabel("training step")
        mark_stages(top, log.stages)

    first, last = loss.smoothed().values[0], loss.smoothed().values[-1]
    words = f"{short(first)} at the start to {short(last)} at the end of {count(loss.steps[-1])} steps"
    caption = f"Training loss, from {words}"
    if len(loss) >= FEW:
        caption += "; the strong line is its moving average over the last twentieth"
    return Figure(caption + ".", draw("loss-curve", f"Curve of the training loss, from {words}", (420, 310), paint))


def dev_figure(log: TrainingLog, selection: SelectionFigures | None = None) -> Figure | None:
    """Draw the measures, during training, on the queries that choose the best step, and that step.

    None where none was logged.
    """
    best = "; ".join(f"best {name} {measured(max(c.values))} at step {_best_step(c)}" for name, c in log.dev.items())
    if selection is None:
        return _lines("dev-curves", "Measures on the dev split during training", best, log.dev, log)
    kept = [log.before.get(stage, 0) + found.best_step for stage, found in selection.by_stage.items()]
    words = f"{best}; the dotted line is the step that was kept"
    return _lines("dev-curves", f"Measures on {selection.split} during training", words, log.dev, log, kept)


def parts_figure(log: TrainingLog) -> Figure | None:
    """Draw the parts of a weighted objective; None where it has only one."""
    last = ", ".join(f"{name} {short(c.smoothed().values[-1])}" for name, c in log.parts.items())
    return _lines("loss-parts", "Parts of the loss", f"at the end {last}", log.parts, log)


def _best_step(curve: Curve) -> str:
    return count(curve.steps[curve.values.index(max(curve.values))])


def _lines(
    name: str, title: str, words: str, curves: Mapping[str, Curve], log: TrainingLog, kept: Sequence[int] = ()
) -> Figure | None:
    if not curves:
        return None

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        for (label, curve), colour in zip(list(curves.items())[: len(LINES)], LINES, strict=False):
            shown = curve.thinned() if len(curve) < FEW else curve.thinned().smoothed()
            (line,) = axes.plot(shown.steps, shown.values, color=COLOURS[colour], label=shortened(label, 24))
            if len(curve) < FEW:
                line.set(marker="o", markersize=4)
        for step in kept:
            axes.axvline(step, color=COLOURS["ink"], linewidth=1, linestyle=":")
        axes.margins(x=0.02)
        axes.set_xlabel("training step")
        canvas.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
        mark_stages(axes, log.stages)

    return Figure(f"{title}: {words}.", draw(name, f"{title}: {words}", (420, 310), paint))


def mark_stages(axes: "Axes", stages: Sequence[tuple[str, int]]) -> None:
    """Draw a line at the first step of each stage, and its name."""
    for stage, step in stages:
        axes.axvline(step, color=COLOURS["soft"], linewidth=1, linestyle=(0, (3, 3)))
        axes.annotate(
            shortened(stage, 16), (step, 1), (3, -2), xycoords=("data", "axes fraction"), textcoords="offset points",
            va="top", fontsize=10, color=COLOURS["soft"],
        )  # fmt: skip
