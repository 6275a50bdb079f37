"""Figures that a row's commands have left, beside the expected ones."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reproduction.rows import Figure, Row, RowsError

#: What the last command wrote to stdout, in the row's folder.
SAID = "said.txt"


@dataclass(frozen=True)
class Compared:
    """A figure.

    Attributes:
        figure: As expected.
        found: Its value here.
        within: Its tolerance.
    """

    figure: Figure
    found: float
    within: float

    @property
    def difference(self) -> float:
        """Found less expected."""
        return self.found - self.figure.value

    @property
    def holds(self) -> bool:
        """Whether it is within its tolerance, up to rounding."""
        return abs(self.difference) <= self.within + 1e-9


def compare(row: Row, output: Path) -> list[Compared]:
    """Compare what lies in a row's folder with what is expected.

    Raises:
        RowsError: A file or figure is not there.
    """
    if row.result is None:
        said = _read(output / SAID)
        return [Compared(one, _said(one, said, output / SAID), row.within(one)) for one in row.expected]
    path = Path(row.result.replace("{output}", str(output)))
    value = json.loads(_read(path))
    return [Compared(one, _figure(one, value, path), row.within(one)) for one in row.expected]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RowsError(f"{path} is not there: the row was not run, or not to its end") from None


def _said(figure: Figure, said: str, path: Path) -> float:
    match = re.search(figure.said or "", said, re.MULTILINE)
    if match is None:
        raise RowsError(f"{path}: nothing like {figure.said!r} was said ({figure.called})")
    return float(match[1])


def _figure(figure: Figure, value: Mapping[str, Any], path: Path) -> float:
    found = _of_system(figure.system, figure, value, path)
    return found - _of_system(figure.over, figure, value, path) if figure.over else found


def _of_system(system: str, figure: Figure, value: Mapping[str, Any], path: Path) -> float:
    read = _of_comparison if "rows" in value else _of_run
    found = read(system, figure, value)
    if found is None:
        raise RowsError(
            f"{path}: no {figure.measure} of {system}" + (f" on {figure.elsewhere}" if figure.elsewhere else "")
        )
    return float(found)


def _of_run(system: str, figure: Figure, value: Mapping[str, Any]) -> float | None:
    there = value.get("also", {}).get(figure.elsewhere, {}) if figure.elsewhere else value
    found: float | None = there.get(system, {}).get(figure.measure)
    return found


def _of_comparison(system: str, figure: Figure, value: Mapping[str, Any]) -> float | None:
    cells = {row["name"]: row for row in value["rows"]}
    found: float | None = None
    if system == "teacher":
        found = value["teacher"].get(figure.measure)
    elif system == "first_stage":
        found = value["first_stage"].get(figure.measure)
    elif system == "before":
        # Of the first measure, of any cell: those that begin elsewhere have a row of their own.
        first = next(iter(cells.values()))
        here = first["also"].get(figure.elsewhere, {}) if figure.elsewhere else first
        found = here.get("before") if figure.measure == value["measures"][0] else None
    elif system in cells:
        here = cells[system]["also"].get(figure.elsewhere, {}) if figure.elsewhere else cells[system]
        found = here.get("means", {}).get(figure.measure)
    return found
