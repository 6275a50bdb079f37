r"""Forward selection of a method's parts: which of them add up, chosen on one split and tested on another.

python benchmarks/forward_selection.py benchmarks/forward_selection.yaml \
    --set collection=path/to/squadshifts-wiki --output runs/forward

The start (the file's recipe) and the start with each part alone are trained; the part with the highest mean over seeds
on the split ``chosen_on`` (a name of ``evaluation.also``) is kept, then the next beside it, until none raises that
mean. The composition is then compared, on the evaluation split, with the start and with every part alone: a paired
t-test over queries of the means over seeds, corrected by Holm. All rounds are one comparison (``distillir compare``) in
the output folder: what is done is passed over when the same command is given again.
"""

import argparse
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from distillir.base.errors import DistillirError
from distillir.base.files import write_json
from distillir.comparison.cell import Cell
from distillir.comparison.file import ComparisonPlan
from distillir.comparison.leaderboard import Leaderboard
from distillir.comparison.run import run_comparison
from distillir.recipe.keys import apply_setting
from distillir.recipe.read import parse_recipe

#: Names of the parts that a composition has, in the file's order; of the start: none.
Parts = tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One round.

    Attributes:
        tried: Value on the chosen split of each composition that was tried; None: it cannot be had.
        kept: The best of them where it is above all before, else what was kept before.
    """

    tried: Mapping[Parts, float | None]
    kept: Parts


def select(parts: Sequence[str], values: Callable[[Sequence[Parts]], Mapping[Parts, float | None]]) -> list[Step]:
    """Add the part that raises the value most, until none does.

    Args:
        parts: Names, in the order in which a composition names its own.
        values: The value of each composition that it is asked for; None where it cannot be had.

    Returns:
        The start by itself, then a step a round; the last is the one that kept nothing new, unless all parts are in.
    """
    start: Parts = ()
    best = values([start])[start]
    if best is None:
        raise DistillirError("the start cannot be trained", where="recipe", remedy="the messages above say why")
    steps = [Step({start: best}, start)]
    while len(steps[-1].kept) < len(parts):
        before = steps[-1].kept
        added = [tuple(one for one in parts if one in (*before, new)) for new in parts if new not in before]
        found = values(added)
        had = {one: value for one, value in found.items() if value is not None}
        first = max(had, key=lambda one: had[one], default=before)
        better = first != before and had[first] > best
        steps.append(Step(found, first if better else before))
        if not better:
            break
        best = had[first]
    return steps


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with changes, key by key at every depth; null takes a key out, a list is replaced."""
    found = dict(base)
    for key, value in change.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(found.get(key), Mapping):
            found[key] = merged(found[key], value)
        else:
            found[key] = value
    return found


class Compositions:
    """Compositions trained in one comparison's folder, and their values on the split they are chosen by.

    Args:
        file: ``recipe``, ``start`` (its name), ``parts`` (name to changes), ``seeds``, ``chosen_on``.
        settings: ``key=value``, set in every recipe.
        output: The comparison's folder.
    """

    def __init__(self, file: Mapping[str, Any], settings: Sequence[str], output: Path) -> None:
        self.file, self.settings, self.output = file, settings, output
        self.cells: dict[Parts, Cell] = {}

    def name(self, parts: Parts) -> str:
        """A composition as the leaderboard has it."""
        return " + ".join((self.file["start"], *parts))

    def values(self, wanted: Sequence[Parts]) -> Mapping[Parts, float | None]:
        """Mean over queries and seeds on the chosen split; see `select`."""
        for parts in wanted:
            try:
                self.cells.setdefault(parts, self._cell(parts))
            except DistillirError as error:
                print(f"{self.name(parts)} cannot be had: {error}")
        if not any(parts in self.cells for parts in wanted):
            return dict.fromkeys(wanted)
        board = self.compared(self.cells, self.cells[()].name)
        found = {row.name: self.chosen_by(board, row.name) for row in board.rows}
        return {parts: found.get(self.name(parts)) for parts in wanted}

    def chosen_by(self, board: Leaderboard, name: str) -> float | None:
        """A row's value on the chosen split; None while seeds are missing."""
        row = next((row for row in board.rows if row.name == name), None)
        if row is None or len(row.seeds) < len(self.file["seeds"]):
            return None
        return row.also[self.file["chosen_on"]].means[board.measures[0]]

    def compared(self, wanted: Iterable[Parts], baseline: str) -> Leaderboard:
        """The leaderboard of some compositions; those that have not been trained are."""
        cells = tuple(self.cells[parts] for parts in wanted)
        plan = ComparisonPlan(cells, tuple(self.file["seeds"]), baseline, self.cells[()].recipe.query_seed)
        return run_comparison(plan, self.output)

    def _cell(self, parts: Parts) -> Cell:
        recipe = dict(self.file["recipe"])
        for part in parts:
            recipe = merged(recipe, self.file["parts"][part])
        for setting in self.settings:
            apply_setting(recipe, setting)
        return Cell(self.name(parts), parse_recipe(json.loads(json.dumps(recipe))))


def last_comparison(steps: Sequence[Step], known: Collection[Parts]) -> list[Parts]:
    """What the composition is compared with, and itself: the start, every part alone, what was kept in each round."""
    singles = [parts for parts in known if len(parts) < 2]
    return list(dict.fromkeys([*singles, *(step.kept for step in steps if len(step.kept) > 1)]))


def told(steps: Sequence[Step], board: Leaderboard, compositions: Compositions) -> str:
    """Two tables in Markdown: the rounds, and the composition against the others."""
    lines = [f"| round | tried | {compositions.file['chosen_on']} | kept |", "|---|---|---|---|"]
    for number, step in enumerate(steps):
        for parts, value in sorted(step.tried.items(), key=lambda one: -(one[1] or 0)):
            kept = "yes" if parts == step.kept else ""
            lines.append(f"| {number} | {compositions.name(parts)} | {_figure(value)} | {kept} |")
    lines += ["", f"| {board.split} | {board.measures[0]} | of the composition | 95 % interval | p | p (Holm) | s |"]
    lines.append("|---|---|---|---|---|---|---|")
    for row in board.rows:
        tested = row.against
        # The leaderboard's differences are a cell's from its baseline, which is the composition here.
        by = (
            f"{-tested.difference:+.4f} | [{-tested.high:+.4f}, {-tested.low:+.4f}] | {tested.p_value:.2g} | "
            f"{tested.corrected:.2g}"
            if tested
            else "– | | |"
        )
        lines.append(f"| {row.name} | {row.means[board.measures[0]]:.4f} | {by} | {row.seconds:.0f} |")
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "cannot be had" if value is None else f"{value:.4f}"


def main() -> None:
    """Select, compare, and write ``selection.json`` and ``selection.md`` beside the leaderboard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="YAML: recipe, start, parts, seeds, chosen_on")
    parser.add_argument("--output", type=Path, required=True, help="the comparison's folder")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="set in every recipe")
    options = parser.parse_args()
    compositions = Compositions(yaml.safe_load(options.file.read_text()), options.set, options.output)
    steps = select(list(compositions.file["parts"]), compositions.values)
    chosen = steps[-1].kept
    board = compositions.compared(last_comparison(steps, compositions.cells), compositions.name(chosen))
    rounds = [
        {"tried": {compositions.name(one): value for one, value in step.tried.items()}, "kept": step.kept}
        for step in steps
    ]
    write_json(options.output / "selection.json", {"chosen": chosen, "rounds": rounds})
    text = told(steps, board, compositions)
    (options.output / "selection.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
