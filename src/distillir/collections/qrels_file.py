"""Judgements (qrels) from a file: BEIR's three columns, TREC's four, tables with a header, JSON lines, Parquet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import read_lines
from distillir.collections.file_forms import FileForm, form_of
from distillir.collections.grades import key_threshold, no_grade, read_grade, table_threshold
from distillir.collections.key_names import LISTED_QUERIES, RELEVANT_LISTS
from distillir.collections.qrels_keys import (
    find_qrels_keys,
    header_names,
    is_out_of_order,
    names_grade_last,
    wanted_keys,
)
from distillir.collections.renaming import renaming
from distillir.collections.source import Judgement
from distillir.collections.table_rows import Table, is_csv, open_table
from distillir.collections.text_keys import Unread, first_named, shown_keys

REMEDY = "expected query, document, grade (3 columns, BEIR) or query, 0, document, grade (4 columns, TREC)"
NAME_THEM = "call them query-id, corpus-id and score"
_BY_PLACE = {3: (0, None, 1, 2), 4: (0, 1, 2, 3)}


class QrelsFile:
    """The judgements of a file.

    Columns are parted by tabs where a line has a tab, so that ids may hold spaces, else by any white space; in ``.csv``
    by commas or semicolons. A first line that names the columns decides which is which. Ids in four columns may be
    percent-encoded, as `distillir.collections.trec_ids.encode_id` writes them.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unread = Unread()
        self._told: list[str] = []

    def read(self) -> Iterator[Judgement]:
        """Yield the judgements.

        Raises:
            DistillirError: The columns cannot be told, or a grade is no integer; the message names file and line.
        """
        self._unread, self._told = Unread(), []
        form, records = form_of(self.path)
        if form is FileForm.TABLE:
            return self._from_table(open_table(self.path, delimiter=""))
        assert records is not None
        return record_judgements(records, str(self.path), self._unread)

    def notes(self) -> list[str]:
        """Notes on the parts that were passed over, after `read`."""
        notes = [*self._told, *([note.replace("keys", "columns or keys")] if (note := self._unread.note()) else [])]
        return [f"{self.path}: {note}" for note in notes]

    def _from_table(self, table: Table) -> Iterator[Judgement]:
        if not table.lines:
            return
        rows = table.rows()
        number, first = next(rows)
        names = header_names(first)
        if names is None:
            self._check_width(table, number)
            places, header = _BY_PLACE[table.width], False
        else:
            keys, header = find_qrels_keys(names), True
            if table.odd is not None:
                self._check_width(table, number)
            if keys is None:
                # Query and grade are known: what stands between is read in its order.
                self._check_width(table, number)
                if not names_grade_last(names):
                    raise DistillirError(
                        f"no column of grades under this header: {shown_keys(names)}",
                        where=f"{self.path}:{number}",
                        remedy=f"{NAME_THEM} in the first line (a rank or a position is no grade)",
                    )
                places = _BY_PLACE[table.width]
                self._told.append(f"of the header {shown_keys(names)} not all names are known: read in their order")
            else:
                places = (
                    names.index(keys.query),
                    names.index(keys.second) if keys.second is not None else None,
                    names.index(keys.document),
                    names.index(keys.grade),
                )
        query, second, document, grade = places
        others = [index for index in range(table.width) if names is not None and index not in places]
        for number, cells in table.rows():
            if header:
                header = False
                continue
            where = f"{self.path}:{number}"
            for index in others:
                if cells[index].strip():
                    self._unread.counts[(names or cells)[index]] += 1
            value = read_grade(cells[grade])
            if value is None:
                parted = table.delimiter or ("\t" if table.quoted or _has_tab(self.path) else "")
                threshold = table_threshold(grade + 1, parted, header=names is not None)
                hint = _header_hint(cells) if names is None and number == 1 else ""
                raise no_grade(cells[grade], where, threshold, hint)
            subtopic = "" if second is None else cells[second]
            yield Judgement(number, cells[query], cells[document], value, table.width == 4, subtopic)

    def _check_width(self, table: Table, line: int) -> None:
        """Refuse rows that are not all three or all four columns wide."""
        if table.odd is not None:
            known = table.odd.cells in _BY_PLACE
            raise DistillirError(
                f"{table.odd.cells} columns" + (f" where most lines have {table.odd.usual}" if known else ""),
                where=f"{self.path}:{table.odd.line}",
                remedy=REMEDY,
            )
        if table.width not in _BY_PLACE:
            remedy = {
                1: f"{REMEDY}; a file that is parted by commas must end in .csv",
                2: f"{REMEDY}; to add grades: awk -v OFS='\\t' '{{print $1, $2, 1}}' FILE",
                6: f"{REMEDY}; six columns are a TREC run, which is no judgement",
            }.get(table.width, f"{REMEDY}; or {NAME_THEM} in a first line")
            raise DistillirError(f"{table.width} columns", where=f"{self.path}:{line}", remedy=remedy)


def is_out_of_order_file(path: Path) -> bool:
    """Tell whether the first line of a table is such a header; nothing else of the file is read."""
    form, _ = form_of(path)
    if form is not FileForm.TABLE:
        return False
    table = Table(path, ",", True, 1 << 20, 1, None) if is_csv(path) else Table(path, "", False, 1 << 20, 1, None)
    try:
        return is_out_of_order(next(table.rows(), (1, [""]))[1])
    except DistillirError:
        return False  # said when it is read


def record_judgements(
    records: Callable[[], Iterator[tuple[int, Mapping[str, Any]]]], place: str, unread: Unread
) -> Iterator[Judgement]:
    """Yield the judgements of objects with keys.

    Args:
        records: Starts the stream of ``(line or row, object)``.
        place: For messages.
        unread: Counts the keys that are not read.

    Raises:
        DistillirError: The keys are not known, or a value is missing or of another type.
    """
    stream = records()
    start = next(stream, None)
    if start is None:
        return
    keys = find_qrels_keys(list(start[1]))
    query = first_named(start[1], LISTED_QUERIES)
    documents = first_named([name for name in start[1] if isinstance(start[1][name], list)], RELEVANT_LISTS)
    if keys is None and query is not None and documents is not None:
        yield from _listed(_again(start, stream), (query, documents), place, unread)
        return
    if keys is None:
        raise DistillirError(
            f"no judgement under these keys: {shown_keys(list(start[1]))}",
            where=f"{place}:{start[0]}",
            remedy=f"{NAME_THEM} (a rank or a position is no grade); "
            + renaming(wanted_keys(list(start[1])), list(start[1]), place),
        )
    read = keys.read
    for number, value in _again(start, stream):
        where = f"{place}:{number}"
        unread.add(value, read)
        query, document = (_id(value, key, where) for key in (keys.query, keys.document))
        grade = read_grade(value.get(keys.grade))
        if grade is None:
            raise no_grade(value.get(keys.grade), where, key_threshold(keys.grade))
        second = "" if keys.second is None else str(value.get(keys.second, ""))
        yield Judgement(number, query, document, grade, subtopic=second)


def _listed(
    stream: Iterator[tuple[int, Mapping[str, Any]]], keys: tuple[str, str], place: str, unread: Unread
) -> Iterator[Judgement]:
    """The judgements of lines that list the relevant documents of a query: grade 1 for each."""
    for number, value in stream:
        where = f"{place}:{number}"
        unread.add(value, set(keys))
        documents = value.get(keys[1])
        if not isinstance(documents, list):
            raise DistillirError(f"{keys[1]!r} is no list of ids", where=where, remedy="an empty list is []")
        for document in documents:
            yield Judgement(number, _id(value, keys[0], where), _id({keys[1]: document}, keys[1], where), 1)


def _again(start: tuple[int, Mapping[str, Any]], rest: Iterator[Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    yield start
    yield from rest


def _id(value: Mapping[str, Any], key: str, where: str) -> str:
    found = value.get(key)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str):
        said = f"no {key!r}" if found is None else f"{key!r} is a {type(found).__name__}, not an id"
        raise DistillirError(
            said, where=where, remedy='write one judgement a line: {"query-id": ..., "corpus-id": ..., "score": 1}'
        )
    return found


def _header_hint(cells: Sequence[str]) -> str:
    """A hint for a first line without any digit, which may be a header; empty for others."""
    if any(letter.isdigit() for cell in cells for letter in cell):
        return ""
    return f"; if the line is a header ({shown_keys(cells)}), {NAME_THEM}"


def _has_tab(path: Path) -> bool:
    return any("\t" in line for _, line in islice(read_lines(path), 1))
