"""Draw where the dark examples of a run lie, and print the figures behind it.

python benchmarks/dark_figures.py RUN OUTPUT.svg   (RUN: what `distillir run` or a cell of `distillir compare` left)
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import numpy as np

from distillir.collections import load_collection
from distillir.recipe.read import read_recipe
from distillir.signals.dark_examples.dark_example_lists import DarkExampleLists
from distillir.signals.dark_examples.dark_example_set import open_dark_set
from distillir.signals.dark_examples.diagnostics import diagnose_dark
from distillir.signals.dark_examples.report import read_dark_examples
from distillir.teaching.teaching_set import open_teaching_set

COLOURS = {
    "positives": "#0f7b5f",
    "noisy positives": "#1f5fbf",
    "reinforced negatives": "#c47f17",
    "hard negatives": "#98a2b0",
}


def main(run: Path, output: Path) -> None:
    """See the module."""
    recipe = read_recipe(run / "recipe.yaml")
    spec = recipe.method.find_dark()
    assert spec is not None, "a run without dark examples"
    lists, documents = open_teaching_set(run / "teaching"), len(load_collection(recipe.collection).corpus)
    figures = diagnose_dark(DarkExampleLists(open_dark_set(run / "dark"), lists, spec, documents))
    found = read_dark_examples(run, None)
    plt.rcParams.update({"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "dark", "axes.spines.top": False})
    canvas, rows = plt.subplots(4, 1, figsize=(5.4, 4.4), sharex=True, layout="constrained")
    ends = np.array([np.quantile(values, [0.002, 0.998]) for values in found.scores.values()])
    limits = (float(ends[:, 0].min()), float(ends[:, 1].max()))
    print("| | texts | 10 % | median | 90 % |\n|---|---|---|---|---|")
    for axes, (name, values) in zip(rows, found.scores.items(), strict=True):
        axes.hist(values, bins=40, range=limits, color=COLOURS[name], alpha=0.7)
        axes.axvline(float(np.median(values)), color="#333", linewidth=1, linestyle="--")
        axes.set_title(name, loc="left", fontsize=9)
        axes.set_yticks([])
        low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
        print(f"| {name} | {len(values):,} | {low:.2f} | {middle:.2f} | {high:.2f} |")
    rows[-1].set_xlabel("teacher's score")
    canvas.savefig(output, metadata={"Date": None})
    print(f"\nlists with a text in the gap: {1 - figures.without:.0%}; chosen in the mean {figures.chosen:.1f}")
    for name, values in found.places.items():
        print(f"{name}: {((values > 0) & (values < 1)).mean():.0%} in the gap, where the teacher prefers the positive")
    print("entropy, share of uniform:", {name: round(value, 3) for name, value in figures.entropy.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
