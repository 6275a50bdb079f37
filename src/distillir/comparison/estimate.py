"""``compare --dry-run``: the runs of a comparison, and an estimate of their time on this machine."""

import tempfile
from pathlib import Path

from rich.table import Table

from distillir.base.errors import DistillirError
from distillir.base.progress import console, say
from distillir.comparison.cell import shared_key
from distillir.comparison.file import ComparisonPlan
from distillir.dry_run.encoding import Encodings
from distillir.dry_run.folder import open_dry
from distillir.dry_run.plan import ABOUT, duration, plan

#: Steps whose work is done once for all cells that share it, and those that every seed repeats.
SHARED, REPEATED = ("queries", "mine", "score", "before"), ("train", "evaluate")


def print_comparison_plan(comparison: ComparisonPlan, output: Path) -> None:
    """Time each model, and print a line for each cell (``?``: servers, pairwise teachers).

    Dark examples, pairs and layers count once a cell: other seeds are answered by the cache. Cells that are there
    already are counted as if they were not.

    Raises:
        DistillirError: The collection, or a model of a cell, cannot be loaded; the message names the cell.
    """
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("cell")
    table.add_column("estimate", justify="right")
    seeds, encodings = len(comparison.seeds), Encodings()
    shared: dict[str, float] = {}
    own: dict[str, float] = {}
    unknown: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="distillir-dry-run-") as scratch:
        # Those that learn from lists first: what they mine and score is there for the others.
        for number, cell in enumerate(sorted(comparison.cells, key=lambda cell: not cell.needs_lists)):
            place = Path(scratch) / str(number)
            try:
                lines = plan(open_dry(place / "run", cell.recipe, place), encodings)
            except DistillirError as error:
                raise DistillirError(str(error), where=f"cell {cell.name!r}") from None
            every, before, again = (
                sum(line.seconds or 0.0 for line in lines if steps is None or line.step in steps)
                for steps in (None, SHARED, REPEATED)
            )
            # What a cell has encoded is in the cache for those behind it: the first one's is what is paid.
            shared.setdefault(shared_key(cell.recipe), before)
            own[cell.name] = every - before + (seeds - 1) * again
            unknown |= {cell.name for line in lines if line.seconds is None}
    parts = "candidates, scores, " if any(cell.needs_lists for cell in comparison.cells) else ""
    table.add_row(f"shared: {parts}the student before", duration(sum(shared.values())))
    for name in (cell.name for cell in comparison.cells):
        label = f"{name} (baseline)" if name == comparison.baseline else name
        table.add_row(label, duration(own[name]) + (" + ?" if name in unknown else ""))
    table.add_row("all", duration(sum(shared.values()) + sum(own.values())) + (" + ?" if unknown else ""))
    console.print(table)
    say(f"{len(comparison.cells)} cells, {seeds} seeds: {len(comparison.runs)} runs into {output}")
    say(ABOUT)
