"""Rows of tables in text files (TSV, CSV, white space): columns and quoting are decided by file, not by line."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from distillir.base.compressed import plain_name
from distillir.base.errors import DistillirError
from distillir.base.files import read_lines
from distillir.collections.key_names import (
    DOCUMENT_IDS,
    DOCUMENT_TEXTS,
    JUDGED_DOCUMENTS,
    JUDGED_QUERIES,
    QUERY_IDS,
    QUERY_TEXTS,
    TITLES,
    plain_key,
)

DELIMITERS = (",", ";", "\t", "|")  # of files that end in .csv
SNIFFED_ROWS = 50
_NAMES = {*DOCUMENT_IDS, *QUERY_IDS, *DOCUMENT_TEXTS, *QUERY_TEXTS, *TITLES, *JUDGED_QUERIES, *JUDGED_DOCUMENTS}
_MARKUP = re.compile(r"<[?!/]?[A-Za-z]")
# Documents in one cell are longer than the csv module expects.
csv.field_size_limit(1 << 30)

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Odd:
    """The first row that has another number of cells than the others."""

    line: int
    cells: int
    usual: int


@dataclass(frozen=True)
class Table:
    """The way in which a file is read as rows.

    Attributes:
        path: The file.
        delimiter: Between cells; empty: a tab where a line has one, else white space.
        quoted: Whether cells are quoted as in CSV.
        width: Columns that hold something in some row.
        lines: Rows, a header included.
        odd: The first row that does not fit; None where all do.
    """

    path: Path
    delimiter: str
    quoted: bool
    width: int
    lines: int
    odd: Odd | None

    def rows(self) -> Iterator[Row]:
        """Yield ``(line of its start, cells)``, `width` of them; empty lines are passed over."""
        rows = (
            _quoted_rows(self.path, self.delimiter or "\t") if self.quoted else _plain_rows(self.path, self.delimiter)
        )
        for number, cells in rows:
            if len(cells) > self.width:
                del cells[self.width :]
            yield number, cells


def is_csv(path: Path) -> bool:
    """Tell whether a file is named as CSV, compressed or not."""
    return plain_name(path).suffix.lower() == ".csv"


def open_table(path: Path, delimiter: str = "\t") -> Table:
    r"""Read a file once to decide how its rows are read.

    A ``.csv`` file is parted by whatever of ``,``, ``;``, tab and ``|`` fits its first rows, and quoted as CSV is.
    Other files are parted by ``delimiter``; they are quoted where every quotation mark in them is that of a quoted
    cell, and where a cell needed it or all cells of a column have it: one text may begin and end with one by chance.

    Args:
        path: The file.
        delimiter: ``\t``, or empty for judgements (tab or white space).

    Raises:
        DistillirError: The file is no table but JSON or XML, or its quoting is broken.
    """
    _refuse_markup(path)
    if is_csv(path):
        chosen = _sniff(path)
        return _table(path, chosen, True, _measure(_quoted_rows(path, chosen)))
    quotes = _Quotes()
    plain = _measure(_plain_rows(path, delimiter), quotes)
    table = _table(path, delimiter, False, plain)
    if quotes.consistent(plain.lines):
        return _table(path, delimiter, True, _measure(_quoted_rows(path, delimiter or "\t")))
    if table.odd is not None and quotes.opened:
        # Cells with tabs or line breaks in quotation marks look broken until they are read as such.
        try:
            parsed = _table(path, delimiter, True, _measure(_quoted_rows(path, delimiter or "\t")))
        except DistillirError:
            return table
        return parsed if parsed.odd is None and parsed.width > 1 else table
    return table


def _plain_rows(path: Path, delimiter: str) -> Iterator[Row]:
    for number, line in read_lines(path):
        if line.strip():
            if delimiter:
                yield number, line.split(delimiter)
            else:
                yield number, line.split("\t") if "\t" in line else line.split()


def _quoted_rows(path: Path, delimiter: str) -> Iterator[Row]:
    lines = (f"{line}\n" for _, line in read_lines(path))
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter in ",;")
    start = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DistillirError(
                f"a quoted cell is broken ({error})",
                where=f"{path}:{start}",
                remedy="close the cell's quotation marks, and double those within it",
            ) from None
        if cells is None:
            return
        number, start = start, reader.line_num + 1
        if any(cell.strip() for cell in cells):
            yield number, cells


@dataclass
class _Widths:
    """Numbers of cells of the rows of a file: as they stand, and without empty ones at the end."""

    lines: int
    raw: Counter[int]
    first_raw: dict[int, int]
    first_held: dict[int, int]


def _measure(rows: Iterable[Row], quotes: "_Quotes | None" = None) -> _Widths:
    found = _Widths(0, Counter(), {}, {})
    for number, cells in rows:
        raw = held = len(cells)
        while held and not cells[held - 1].strip():
            held -= 1
        found.lines += 1
        found.raw[raw] += 1
        found.first_raw.setdefault(raw, number)
        found.first_held.setdefault(held, number)
        if quotes is not None:
            quotes.add(cells, found.lines == 1)
    return found


def _table(path: Path, delimiter: str, quoted: bool, found: _Widths) -> Table:
    """Decide the columns: as many as the fullest row has, if no row has fewer cells; else the commonest number."""
    if not found.lines:
        return Table(path, delimiter, quoted, 0, 0, None)
    width = max(found.first_held)
    commonest = max(found.raw, key=lambda raw: (found.raw[raw], -found.first_raw[raw]))
    usual = min(width, commonest)
    odd = {line: raw for raw, line in found.first_raw.items() if raw < usual}
    odd |= {line: held for held, line in found.first_held.items() if held > usual}
    first = min(odd, default=None)
    return Table(path, delimiter, quoted, usual, found.lines, None if first is None else Odd(first, odd[first], usual))


class _Quotes:
    """A count of whether quotation marks in the cells of a file are those of CSV."""

    def __init__(self) -> None:
        self.bare = self.special = False
        self.opened = False
        self.whole: Counter[int] = Counter()
        self.first: set[int] = set()

    def add(self, cells: list[str], is_first: bool) -> None:
        """Look at the cells of one row."""
        for column, cell in enumerate(cells):
            if '"' not in cell:
                continue
            inner = cell[1:-1]
            if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', ""):
                self.special = self.special or '""' in inner
                self.whole[column] += 1
                if is_first:
                    self.first.add(column)
            else:
                self.bare = True
                self.opened = self.opened or cell[0] == '"'

    def consistent(self, lines: int) -> bool:
        """Tell whether every quotation mark is one of a quoted cell, and not by chance."""
        full = any(
            count == lines or (count == lines - 1 and column not in self.first) for column, count in self.whole.items()
        )
        return not self.bare and bool(self.whole) and (self.special or full)


def _sniff(path: Path) -> str:
    """The delimiter of a CSV file: under which most names of the first row are known, and the rows are most even."""

    def fit(delimiter: str) -> tuple[int, bool, int]:
        try:
            rows = list(islice(_quoted_rows(path, delimiter), SNIFFED_ROWS))
        except DistillirError:
            return (0, False, 0)
        known = sum(plain_key(cell) in _NAMES for cell in rows[0][1]) if rows else 0
        widths = {len(cells) for _, cells in rows}
        return (known, len(widths) == 1 and max(widths) > 1, max(widths, default=0))

    best = max(DELIMITERS, key=fit)
    return best if fit(best)[2] > 1 else ","


def _refuse_markup(path: Path) -> None:
    """Refuse JSON and XML under a table's name."""
    line = next((line.strip() for _, line in read_lines(path) if line.strip()), "")
    if "\t" in line:
        return
    if line.startswith(("{", "[{")):
        raise DistillirError("holds JSON", where=path, remedy="name it .jsonl")
    if _MARKUP.match(line):
        raise DistillirError(
            "holds XML or SGML, as TREC's topics and documents do, which are not read",
            where=path,
            remedy="write lines of id, tab, text, or take the collection from ir_datasets (collection: irds:ID)",
        )
