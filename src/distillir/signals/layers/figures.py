"""Figures of layers: how well each ranks, their weights over training, and the pairs that were compared."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from distillir.reporting.figures.figure import Figure
from distillir.reporting.figures.training import mark_stages
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.teacher_scores import Numbers
from distillir.reporting.wording import count, measured
from distillir.signals.layers.report import LayerQuality, LayerReport, end_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from matplotlib.patches import PathPatch

#: Columns of the weights at most; a column is the mean of as many draws as it takes.
COLUMNS = 48
#: Between the palest and the strongest shade of weights at least.
LEAST_SPREAD = 0.02
SHADES = (0.18, 0.34, 0.5, 0.66, 0.82)
#: Of cells that hold a number, which must be read on them.
PALE = (0.1, 0.2, 0.3, 0.4, 0.5)
_LINES = {
    "teacher": ("the teacher", "teacher"),
    "teacher_after": ("the teacher after training", "gain"),
    "before": ("the student before", "before"),
    "after": ("the student after", "after"),
}

#: Left, bottom, width, height and value.
Cell = tuple[float, float, float, float, float]


def layer_quality_figure(quality: LayerQuality) -> Figure:
    """Draw how well each layer of teacher and student ranks by itself."""
    lines = {name: values for name in _LINES if (values := getattr(quality, name))}
    depths = {len(values) for values in lines.values()}

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        for name, values in lines.items():
            label, colour = _LINES[name]
            places = np.arange(1, len(values) + 1) / (1 if len(depths) == 1 else len(values))
            axes.plot(places, values, color=COLOURS[colour], label=label, marker="o", markersize=4.5)
        if len(depths) == 1:
            axes.set_xlabel("layer")
            axes.set_xticks(_some(next(iter(depths))))
        else:
            axes.set_xlabel("depth (layer / layers of the model)")
        axes.set_ylabel(quality.measure)
        canvas.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)

    told = "; ".join(
        f"{_LINES[name][0]} {', '.join(measured(value) for value in values)}" for name, values in lines.items()
    )
    queries = f"{count(quality.queries)} {'judged queries' if quality.judged else 'queries'}"
    caption = (
        f"{quality.measure} of each layer, ranking by itself the first {quality.documents} candidates of {queries} and "
        "relevant ones further down"
    )
    if not quality.judged:
        caption += "; the teacher's first document counts as relevant"
    if quality.best is not None:
        caption += f"; the best order of them has {measured(quality.best)}"
    caption += (
        ". Except for cross-encoders, states are compared as they are, so that the last layer's figure is not the "
        "model's own."
    )
    label = f"Curves of {quality.measure} by layer, from the first: {told}"
    return Figure(caption, draw("layer-quality", label, (420, 300), paint))


def layer_weights_figure(report: LayerReport) -> Figure | None:
    """Draw the weights of the teacher's layers over the steps; None for fewer than two draws."""
    draws, layers = report.draws, report.teacher_layers
    if len(draws) < 2:
        return None
    at_once = math.ceil(len(draws) / COLUMNS)
    starts = range(0, len(draws), at_once)
    edges = [*(draws[start].step for start in starts), end_of(draws)]
    weights = report.weights
    columns = [_means(weights[start : start + at_once]) for start in starts]
    cells = [
        (left, layer + 0.5, right - left, 1.0, float(weight))
        for left, right, column in zip(edges[:-1], edges[1:], columns, strict=True)
        for layer, weight in enumerate(column)
        if not np.isnan(weight)
    ]
    low, high = min(cell[-1] for cell in cells), max(cell[-1] for cell in cells)
    if high - low < LEAST_SPREAD:  # weights that are all but equal shall look so
        low, high = (low + high - LEAST_SPREAD) / 2, (low + high + LEAST_SPREAD) / 2
    means = report.mean_weights

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        shades = _shade(axes, cells, "teacher", (low, high), SHADES)
        axes.set_xlim(edges[0], edges[-1])
        axes.locator_params(axis="x", integer=True)
        _layers_up(axes, layers, "layer of the teacher")
        axes.set_xlabel("training step")
        right = axes.secondary_yaxis("right")
        shown = _some(layers)
        right.set_yticks(shown, [measured(means[layer - 1]) for layer in shown])
        right.set_ylabel("mean weight where drawn")
        right.spines["right"].set_visible(False)
        canvas.legend(*shades, loc="outside upper left", ncols=len(SHADES), columnspacing=1.2)
        mark_stages(axes, report.stages)

    told = ", ".join(f"layer {layer} {measured(mean)}" for layer, mean in enumerate(means, 1) if mean is not None)
    caption = (
        f"Weights of the teacher's layers in {count(len(draws))} draws, stronger where larger; blank where a "
        "layer was not drawn."
    )
    if at_once > 1:
        caption += f" Each column is the mean of {at_once} draws."
    height = 150 + min(20 * layers, 330)
    label = f"Weights of the teacher's layers over the steps, from {measured(low)} to {measured(high)}. Means: {told}"
    return Figure(caption, draw("layer-weights", label, (420, height), paint))


def layer_pairs_figure(report: LayerReport) -> Figure | None:
    """Draw how often each of the student's layers followed each of the teacher's; None without a draw."""
    if not report.draws:
        return None
    pairs = np.array(report.pairs)
    teacher, student = pairs.shape
    cells = [(own + 0.5, other + 0.5, 1.0, 1.0, float(pairs[other, own])) for other, own in np.argwhere(pairs).tolist()]

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        _shade(axes, cells, "after", (0.0, float(pairs.max())), PALE)
        if student <= 14 and teacher <= 24:  # beyond, numbers do not fit; the table has them
            for left, bottom, _, _, value in cells:
                axes.text(left + 0.5, bottom + 0.5, count(value), ha="center", va="center_baseline", fontsize=10)
        axes.set_xlim(0.5, student + 0.5)
        axes.set_xticks(_some(student))
        axes.set_xlabel("layer of the student")
        _layers_up(axes, teacher, "layer of the teacher")

    most = [
        f"{own + 1} followed {int(pairs[:, own].argmax()) + 1} ({count(pairs[:, own].max())} draws)"
        for own in range(student)
        if pairs[:, own].any()
    ]
    label = f"Grid of how often the student's layers followed the teacher's; most often {', '.join(most)}"
    drawn = "one draw" if len(report.draws) == 1 else f"{count(len(report.draws))} draws"
    caption = f"How often each of the student's layers followed each of the teacher's, in {drawn}."
    return Figure(caption, draw("layer-pairs", label, (420, 80 + min(22 * teacher, 400)), paint))


def _means(weights: Numbers) -> Numbers:
    """The mean of each column [L] of weights [N, L] where they are numbers; NaN where none is."""
    known = ~np.isnan(weights)
    total: Numbers = np.where(known, weights, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _shade(
    axes: "Axes", cells: Sequence[Cell], colour: str, limits: tuple[float, float], shades: Sequence[float]
) -> tuple[list["PathPatch"], list[str]]:
    """Draw cells in shades of a colour, stronger for larger values; the shades and the middle of each."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    low, high = limits
    classes = len(shades) if high > low else 1
    width = (high - low) / classes
    digits = 3 if width == 0 else min(5, max(2, 1 - math.floor(math.log10(width))))
    patches, labels = [], []
    for number in range(classes):
        own = [cell for cell in cells if number == min(classes - 1, int((cell[-1] - low) / width) if width else 0)]
        boxes = [
            Path([(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)], closed=True) for x, y, w, h in _merged(own)
        ]
        shape = Path.make_compound_path(*boxes) if boxes else Path([(0, 0)])
        shade = shades[number if classes > 1 else len(shades) // 2]
        patch = PathPatch(shape, facecolor=COLOURS[colour], alpha=shade, linewidth=0)
        axes.add_patch(patch)
        patches.append(patch)
        labels.append(f"{low + (number + 0.5) * width:.{digits}f}")
    return patches, labels


def _merged(cells: Sequence[Cell]) -> list[tuple[float, float, float, float]]:
    """Cells without their values, neighbours in a row as one: the page is smaller, and shows no seams."""
    found: list[tuple[float, float, float, float]] = []
    for x, y, w, h, _ in sorted(cells, key=lambda cell: (cell[1], cell[0])):
        if found and found[-1][1] == y and found[-1][0] + found[-1][2] == x:
            found[-1] = (found[-1][0], y, found[-1][2] + w, h)
        else:
            found.append((x, y, w, h))
    return found


def _layers_up(axes: "Axes", layers: int, label: str) -> None:
    """The teacher's layers along the y axis, the first at the bottom."""
    axes.set_ylim(0.5, layers + 0.5)
    axes.set_yticks(_some(layers))
    axes.set_ylabel(label)
    axes.grid(visible=False)


def _some(layers: int) -> list[int]:
    """Numbers of layers for an axis, as many as can be read."""
    return list(range(1, layers + 1, math.ceil(layers / 24)))
