"""Any numbers as a histogram."""

import re
from typing import TYPE_CHECKING

import numpy as np

from distillir.reporting.figures.figure import Figure
from distillir.reporting.figures.teacher import histogram
from distillir.reporting.svg import draw
from distillir.reporting.teacher_scores import Numbers
from distillir.reporting.wording import count, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


def values_figure(name: str, values: Numbers) -> Figure:
    """Draw the distribution of values [N], N at least 1, under what they are."""
    low, high = (float(np.quantile(values, end)) for end in (0.002, 0.998))

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        histogram(axes, values, (low, high if high > low else low + 1.0), "teacher", None)
        axes.set_xlabel(name)
        axes.set_ylabel("%")

    caption = f"{name} ({count(len(values))}): median {short(float(np.median(values)))}."
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "values"
    return Figure(caption, draw(f"values-{label}", caption, (420, 260), paint))
