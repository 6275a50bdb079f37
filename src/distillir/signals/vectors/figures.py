"""Figure of vectors: the cosines of the student's with those that they followed, before and after training."""

from typing import TYPE_CHECKING

import numpy as np

from distillir.reporting.figures.figure import Figure
from distillir.reporting.svg import COLOURS, draw
from distillir.reporting.wording import count, measured
from distillir.signals.vectors.noted import SideNearness

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


def nearness_figure(side: str, nearness: SideNearness) -> Figure:
    """Draw the share of the texts of a side whose cosine is at most so high, before and after."""
    lines = {"before": nearness.before, "after": nearness.after}
    there = {when: found for when, found in lines.items() if found is not None}

    def paint(canvas: "Canvas") -> None:
        axes = canvas.subplots()
        for when, found in there.items():
            shares = np.linspace(0, 100, len(found.quantiles))
            axes.plot(found.quantiles, shares, color=COLOURS[when], label=f"{when} training")
        axes.set_xlabel("cosine with the model's vector")
        axes.set_ylabel(f"% of {side} at most so near")
        axes.set_ylim(0, 100)
        canvas.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)

    told = " and ".join(f"{measured(found.mean)} {when}" for when, found in there.items())
    texts = f"{count(nearness.texts)} {side} {'that were not learnt from' if nearness.unseen else 'of the training'}"
    caption = f"Cosines of {texts}: in the mean {told} training. The further right a curve, the nearer the vectors."
    return Figure(caption, draw(f"vectors-{side}", caption, (420, 300), paint))
