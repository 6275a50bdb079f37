"""The file that ``distillir compare`` reads: cells, a grid, seeds and the baseline."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.base.yaml_file import Places, read_mapping
from distillir.comparison.cell import Cell
from distillir.recipe import Recipe
from distillir.recipe.keys import apply_setting, set_key
from distillir.recipe.read import parse_recipe
from distillir.recipe.values import check_values
from distillir.specs.part import Part

LONGEST_NAME = 80


class ComparisonFile(Part):
    """The content of a comparison's file."""

    recipe: str | dict[str, Any] | None = Field(None, description="the base: a recipe's path, or a recipe")
    cells: dict[str, str | dict[str, Any] | None] = Field(
        default_factory=dict, description="name: a recipe's path, or what differs from the base"
    )
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict, description="dotted key: values; every combination is a cell (with every one of cells)"
    )
    seeds: list[Annotated[int, Field(strict=True, ge=0, lt=2**32)]] = Field(
        default_factory=lambda: [0], min_length=1, description="of training, for each cell"
    )
    baseline: str | None = Field(None, description="the cell others are compared with; null: the first")


@dataclass(frozen=True)
class ComparisonPlan:
    """Cells to be trained and compared.

    Attributes:
        cells: At least one, of different names.
        seeds: Of training.
        baseline: A cell's name.
        query_seed: Decides which queries all cells have.
    """

    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    baseline: str
    query_seed: int

    @property
    def runs(self) -> list[tuple[Cell, int]]:
        """Every cell with every seed; all cells of the first seed come first, so that a half-done table is fair."""
        return [(cell, seed) for seed in self.seeds for cell in self.cells]


def read_comparison(path: Path, settings: Sequence[str] = ()) -> ComparisonPlan:
    """Read a comparison.

    Args:
        path: YAML file. Recipes that it names are looked for beside it, then from the current folder.
        settings: ``key=value`` with dotted keys, set in every cell's recipe.

    Raises:
        DistillirError: Whatever is wrong with it or a recipe of it.
    """
    value, places = read_mapping(path, what="a comparison is a mapping with cells or grid; see docs/compare.md")
    check_values(value, where=str(path))
    file = _validated(value, places, path)
    base = _recipe(file.recipe, path) if file.recipe is not None else None
    named = _cells(file, base, path)
    cells = [Cell(name, _checked(name, mapping, settings, path)) for name, mapping in named.items()]
    baseline = cells[0].name if file.baseline is None else file.baseline
    if baseline not in named:
        known = "; ".join(list(named)[:20])
        raise DistillirError(f"no cell {baseline!r}", where=f"{path}: baseline", remedy=f"the cells are: {known}")
    if len(set(file.seeds)) < len(file.seeds):
        raise DistillirError("a seed occurs twice", where=f"{path}: seeds")
    first = cells[0].recipe
    for cell in cells[1:]:
        for part in ("collection", "evaluation"):
            if getattr(cell.recipe, part) != getattr(first, part):
                raise DistillirError(
                    f"cells {cells[0].name!r} and {cell.name!r} differ in {part}",
                    where=path,
                    remedy="figures of different queries cannot be compared: make a comparison for each",
                )
    return ComparisonPlan(tuple(cells), tuple(file.seeds), baseline, first.query_seed)


def _validated(value: dict[str, Any], places: Places, path: Path) -> ComparisonFile:
    try:
        file = ComparisonFile.model_validate(value)
    except ValidationError as error:
        mistake = error.errors()[0]
        keys = tuple(str(part) for part in mistake["loc"] if str(part) not in ("str", "dict[str,any]", "[key]"))
        line = places.get(keys, 0)
        where = f"{path}:{line}: {'.'.join(keys)}" if line else f"{path}: {'.'.join(keys)}"
        if mistake["type"] == "extra_forbidden":
            raise DistillirError(
                "unknown key", where=where, remedy=nearest(keys[-1], ComparisonFile.model_fields)
            ) from None
        if (len(keys) == 2 and keys[0] == "cells") or keys == ("recipe",):
            raise DistillirError("is neither a recipe's path nor a mapping", where=where) from None
        raise DistillirError(
            f"{mistake['input']!r}: {mistake['msg'][0].lower()}{mistake['msg'][1:]}", where=where
        ) from None
    for name in file.cells:
        if not name.strip() or len(name) > LONGEST_NAME:
            raise DistillirError(
                f"a cell's name has 1 to {LONGEST_NAME} characters", where=f"{path}: cells.{name[:20]}"
            )
    changed = {key for cell in file.cells.values() if isinstance(cell, dict) for key in cell} | set(file.grid)
    if "seed" in changed:
        raise DistillirError(
            "every cell is trained with every one of seeds", where=f"{path}: seed", remedy="write seeds: [0, 1, 2]"
        )
    return file


def _cells(file: ComparisonFile, base: dict[str, Any] | None, path: Path) -> dict[str, dict[str, Any]]:
    """Name and recipe of each cell: those listed, or the base, each with every combination of the grid."""
    listed: dict[str, dict[str, Any]] = {}
    for name, given in file.cells.items():
        if isinstance(given, str):
            listed[name] = _recipe(given, path)
        elif base is None:
            raise DistillirError(
                "says what differs from a base recipe, and there is none", where=f"{path}: cells.{name}",
                remedy="write recipe: path/to/recipe.yaml",
            )  # fmt: skip
        else:
            listed[name] = _merged(base, given or {})
    if not file.grid:
        if not listed:
            raise DistillirError("nothing to compare", where=path, remedy="write cells or grid; see docs/compare.md")
        return listed
    if not listed and base is None:
        raise DistillirError("a grid needs a base", where=path, remedy="write recipe: path/to/recipe.yaml")
    made: dict[str, dict[str, Any]] = {}
    for name, mapping in (listed or {"": base or {}}).items():
        for values in itertools.product(*file.grid.values()):
            parts = [_short(key, value) for key, value in zip(file.grid, values, strict=True)]
            own = ", ".join([name, *parts] if name else parts)
            if own in made:
                raise DistillirError(f"{own!r} occurs twice", where=f"{path}: grid", remedy="keep one of them")
            made[own] = _merged(mapping, dict(zip(file.grid, values, strict=True)))
    return made


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The base with a cell's changes."""
    value: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(base)))
    for key, change in changes.items():
        set_key(value, key, change)
    return value


def _recipe(given: str | dict[str, Any], path: Path) -> dict[str, Any]:
    """A recipe as a mapping, from beside the comparison's file or the current folder."""
    if isinstance(given, dict):
        return given
    beside = path.parent / given
    found = beside if beside.is_file() else Path(given)
    if not found.is_file():
        raise DistillirError(f"no recipe {given}", where=path, remedy=f"it was sought in {path.parent} and here")
    return read_mapping(found)[0]


def _checked(name: str, mapping: dict[str, Any], settings: Sequence[str], path: Path) -> Recipe:
    try:
        for setting in settings:
            apply_setting(mapping, setting)
        return parse_recipe(mapping)
    except DistillirError as error:
        raise DistillirError(str(error), where=f"{path}: cell {name!r}") from None


def _short(key: str, value: Any) -> str:
    """A grid's value in a cell's name: a method or an objective by itself, anything else behind the end of its key."""
    said = str(value)
    if isinstance(value, Mapping):
        own = {inner: given for inner, given in value.items() if inner != "name"}
        inside = yaml.safe_dump(own, default_flow_style=True, width=10_000).strip() if own else ""
        said = " ".join(part for part in (str(value.get("name", "")), inside) if part)
    return said if key in ("method", "objective") else f"{key.rsplit('.', 1)[-1]} {said}"
