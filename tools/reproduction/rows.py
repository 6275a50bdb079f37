"""Rows: what is reproduced, by which commands, on what, and which figures are expected."""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

#: Files of ``benchmarks/reproduce`` that hold no rows.
COLLECTIONS, PREPARATIONS = "collections.yaml", "preparations.yaml"
PLACE = re.compile(r"\{([a-z][a-z0-9-]*)\}")
MEASURED, NOT_RUN = "measured here", "not run here"


class RowsError(Exception):
    """What is wrong with rows or with a call, in one line."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CollectionSpec(_Part):
    """A collection.

    Attributes:
        name: As it is published.
        get: How a user gets it.
        path: Where no folder is needed, what recipes call it; else None, and ``--collection`` names the folder.
    """

    name: str
    get: str
    path: str | None = None


class Preparation(_Part):
    """What several rows need, such as a teacher.

    Attributes:
        shows: What it makes.
        after: Preparations that it needs itself.
        commands: In order.
    """

    shows: str
    after: list[str] = []
    commands: list[str] = Field(min_length=1)


class Tolerance(_Part):
    """How far what is found may be from what is expected.

    Attributes:
        within: The greatest difference.
        because: Why so far: seeds, processors.
    """

    within: float = Field(ge=0)
    because: str


class Figure(_Part):
    """An expected figure.

    Attributes:
        system: ``before``, ``after``, ``teacher``, ``documents`` or ``first_stage``; in a comparison a cell,
            ``before`` or ``teacher``; of what a command says, whatever it is called there.
        measure: As ``metrics.json`` and ``leaderboard.json`` call it.
        value: Expected.
        over: A system whose figure is taken off, so that the value is a difference.
        elsewhere: Another collection, of ``evaluation.also``.
        said: A regular expression whose first group is the figure, in what the last command wrote to stdout.
        within: In place of the row's tolerance.
    """

    system: str
    measure: str
    value: float
    over: str | None = None
    elsewhere: str | None = None
    said: str | None = None
    within: float | None = Field(default=None, ge=0)

    @property
    def called_system(self) -> str:
        """What it is of."""
        return self.system + (f" over {self.over}" if self.over else "")

    @property
    def called_measure(self) -> str:
        """What is measured, and where it is not on the row's collection."""
        return self.measure + (f" on {self.elsewhere}" if self.elsewhere else "")

    @property
    def called(self) -> str:
        """The figure in words."""
        return f"{self.called_measure} of {self.called_system}"


class Source(_Part):
    """Where the expected figures stand.

    Attributes:
        page: Of ours, below the root.
        paper: Authors, year, and arXiv's number.
        where: Table, figure or file of the paper or of its authors' code.
        commit: Of ours, that they were measured at.
        machine: That they were measured on.
    """

    page: str | None = None
    paper: str | None = None
    where: str | None = None
    commit: str | None = None
    machine: str | None = None


class Repeated(_Part):
    """A later run of a row's commands by this program.

    Attributes:
        date: Of the run.
        commit: Of ours, that it ran at.
        machine: That it ran on.
        found: What came out beside what is expected, in words.
    """

    date: datetime.date
    commit: str
    machine: str
    found: str


class Row(_Part):
    """A row.

    Attributes:
        shows: In plain words.
        source: Of the expected figures.
        collection: A name of ``collections.yaml``.
        after: Preparations, in order.
        commands: In order; ``{output}`` is the row's folder, ``{collection}`` its collection's, ``{NAME}`` that of
            another collection.
        result: ``metrics.json`` of a run or ``leaderboard.json`` of a comparison; None where figures are said.
        expected: Figures.
        tolerance: Of figures that have none of their own.
        status: Whether they were measured with these commands by us.
        seconds: That the commands took on the source's machine.
        memory: GiB at the peak.
        gpus: As published.
        missing: Figures that the source has, or may have, and that we have not seen.
        remarks: What else to know before it is run.
        repeated: The last time that `run` was given it, after the figures had been measured.
    """

    shows: str
    source: Source
    collection: str
    after: list[str] = []
    commands: list[str] = Field(min_length=1)
    result: str | None = None
    expected: list[Figure] = []
    tolerance: Tolerance | None = None
    status: Literal["measured here", "not run here"]
    seconds: float | None = None
    memory: float | None = None
    gpus: int | None = None
    missing: str | None = None
    remarks: str | None = None
    repeated: Repeated | None = None

    def within(self, figure: Figure) -> float:
        """The tolerance of a figure."""
        if figure.within is not None:
            return figure.within
        assert self.tolerance is not None  # `_check` has seen to it
        return self.tolerance.within


class _File(_Part):
    group: str
    place: int
    about: str
    rows: dict[str, Row]


@dataclass(frozen=True)
class Group:
    """Rows of one file.

    Attributes:
        title: Of its table.
        about: A sentence or two above the table.
        rows: By their ids.
    """

    title: str
    about: str
    rows: dict[str, Row]


@dataclass(frozen=True)
class Rows:
    """All of ``benchmarks/reproduce``.

    Attributes:
        groups: In the order of the page.
        collections: By name.
        preparations: By name.
    """

    groups: tuple[Group, ...]
    collections: dict[str, CollectionSpec]
    preparations: dict[str, Preparation]

    def all(self) -> Iterator[tuple[str, Row]]:
        """Every row with its id."""
        for group in self.groups:
            yield from group.rows.items()

    def row(self, name: str) -> Row:
        """One by its id.

        Raises:
            RowsError: There is none.
        """
        known = dict(self.all())
        if name not in known:
            raise RowsError(f"no row {name!r}; the rows are: {', '.join(known)}")
        return known[name]

    def prepared(self, row: Row) -> list[str]:
        """Preparations of a row in order, each once, with those that they need themselves."""
        found: list[str] = []

        def add(names: list[str]) -> None:
            for name in names:
                add(self.preparations[name].after)
                if name not in found:
                    found.append(name)

        add(row.after)
        return found

    def commands(self, row: Row) -> list[str]:
        """Every command of a row, those of its preparations first."""
        return [line for name in self.prepared(row) for line in self.preparations[name].commands] + row.commands


_AnyPart = TypeVar("_AnyPart", bound=BaseModel)


def _parse(kind: type[_AnyPart], value: Any, path: Path, what: str = "") -> _AnyPart:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ": ".join(filter(None, [what, ".".join(map(str, first["loc"]))]))
        raise RowsError(f"{path}: {where}: {first['msg']}") from None


def read_rows(folder: Path) -> Rows:
    """Read and check a folder of rows.

    Raises:
        RowsError: Whatever is wrong.
    """
    texts = {path: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))}
    apart = {path.name: texts.pop(path) for path in list(texts) if path.name in (COLLECTIONS, PREPARATIONS)}
    collections, preparations = (
        {name: _parse(kind, value, folder / file, name) for name, value in apart.get(file, {}).items()}
        for file, kind in ((COLLECTIONS, CollectionSpec), (PREPARATIONS, Preparation))
    )
    files = [_parse(_File, value, path) for path, value in texts.items()]
    groups = tuple(Group(file.group, file.about, file.rows) for file in sorted(files, key=lambda file: file.place))
    rows = Rows(groups, collections, preparations)  # type: ignore[arg-type]  # of the two kinds, in order
    _check(rows, folder)
    return rows


def _check(rows: Rows, folder: Path) -> None:
    seen: set[str] = set()
    for name, row in rows.all():
        if name in seen:
            raise RowsError(f"{folder}: two rows are called {name!r}")
        seen.add(name)
        if row.collection not in rows.collections:
            raise RowsError(f"{name}: collection: {row.collection!r} is not in {COLLECTIONS}")
        for needed in row.after:
            if needed not in rows.preparations:
                raise RowsError(f"{name}: after: {needed!r} is not in {PREPARATIONS}")
        if not row.expected and not row.missing:
            raise RowsError(f"{name}: no figure is expected, and `missing` does not say which are not known")
        for figure in row.expected:
            if figure.within is None and row.tolerance is None:
                raise RowsError(f"{name}: {figure.called}: no tolerance, neither here nor of the row")
            if (figure.said is None) == (row.result is None):
                raise RowsError(
                    f"{name}: {figure.called}: `said` stands where the row has no `result`, and there alone"
                )
        for command in rows.commands(row):
            for place in PLACE.findall(command):
                if place not in {"output", "collection", *rows.collections}:
                    raise RowsError(f"{name}: {{{place}}} is no collection of {COLLECTIONS}: {command}")
