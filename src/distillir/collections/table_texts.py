"""Texts from tables: MS MARCO's, ColBERT's and others', with a header line or without."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.scripts import count_words
from distillir.collections.key_names import ANSWERS, TITLES, Kind, id_names, plain_key, text_names
from distillir.collections.source import Entry
from distillir.collections.table_rows import Table, is_csv, open_table
from distillir.collections.text_keys import (
    NUMBERS_JUDGE_NOTHING,
    Unread,
    choose_text_keys,
    keys_note,
    shown_keys,
)

SAMPLE = 1000  # rows that are looked at to tell a header, answers and the order of three columns
#: More words than this in most ids of a table without a header: they are no ids.
MOST_WORDS = {"query": 2, "document": 5}
#: The share of addresses that makes the second of four columns one of addresses.
URL_SHARE = 0.95
NAME_THEM = "name the columns in a first line (id, text and, of documents, title), or write .jsonl"
NUMBERING = "number the questions: cut -f1 FILE | nl -ba -w1 > queries.tsv"
#: The same where there is a header, for tables parted by tabs and by commas (pandas puts the row's number first).
NUMBERING_ROWS = """number the rows: awk -v OFS='\\t' '{print (NR == 1 ? "id" : NR - 1), $0}' FILE > NEW.tsv"""
NUMBERING_CSV = """number the rows: python -c "import pandas; pandas.read_csv('FILE').to_csv('NEW.csv')\""""
_IDS = {*id_names("document"), *id_names("query")}
_TEXTS = {*text_names("document"), *text_names("query"), *TITLES}
_UNNAMED = "row"  # the column of row numbers that pandas writes without a name


class TableTexts:
    """The texts of one table, whose columns are told apart once for the whole file.

    Two columns are id and text. Three are id, text and title (ColBERT), or id, title and text: the longer one is the
    text. Four are MS MARCO's documents: id, url, title and body. A first line that names the columns decides instead.

    Args:
        path: The file.
        kind: Whether it holds documents or queries.

    Raises:
        DistillirError: The columns cannot be told; the message names the line and the way out.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self.path, self.kind = path, kind
        self._table = open_table(path)
        self._names: list[str] = []
        self._has_header = False
        self._told: list[str] = []
        self._unread: Counter[str] = Counter()
        if self._table.lines:
            self._decide(self._table)

    @property
    def count(self) -> int:
        """Number of texts."""
        return self._table.lines - self._has_header

    def read(self) -> Iterator[Entry]:
        """Yield the texts."""
        if not self._names:
            return
        self._unread = Counter()
        where = f"{self.path}:1"
        keys = choose_text_keys(self._names, self.kind, where)
        place = {name: index for index, name in reversed(list(enumerate(self._names)))}
        identifier = place[keys.id]
        text = None if keys.text is None else place[keys.text]
        title = None if keys.title is None else place[keys.title]
        others = [index for index in range(len(self._names)) if index not in (identifier, text, title)]
        rows = self._table.rows()
        if self._has_header:
            next(rows)
        for number, cells in rows:
            for index in others:
                if cells[index].strip():
                    self._unread[self._names[index]] += 1
            yield Entry(
                number,
                cells[identifier],
                "" if text is None else cells[text],
                "" if title is None else cells[title],
            )

    def notes(self) -> list[str]:
        """Notes on the parts that were read and passed over, after `read`."""
        if not self._names:
            return []
        keys, unread = choose_text_keys(self._names, self.kind, str(self.path)), Unread()
        unread.counts = self._unread
        notes = [*self._told, *keys_note(keys, unread, self.kind)]
        return [f"{self.path}: {note.replace('keys not read', 'columns not read')}" for note in notes]

    def _decide(self, table: Table) -> None:
        if table.odd is not None:
            raise DistillirError(
                f"{table.odd.cells} columns where most lines have {table.odd.usual}; expected id and text (2 columns), "
                "id, text and title (3), or id, url, title and body (4)",
                where=f"{self.path}:{table.odd.line}",
                remedy="a text that holds tabs or line breaks needs .jsonl",
            )
        rows = list(islice(table.rows(), SAMPLE))
        line, first = rows[0][0], rows[0][1]
        rest = [cells for _, cells in rows[1:]]
        if table.quoted and not is_csv(self.path):
            self._told.append("cells are quoted as in CSV: their quotation marks are taken off")
        if table.width == 1:
            raise DistillirError(
                "one column alone, where id and text are expected",
                where=f"{self.path}:{line}",
                remedy="part them by a tab (a file that is parted by commas must end in .csv); "
                "to number lines: nl -ba -w1 FILE > FILE.tsv",
            )
        self._has_header = self._is_header(first, rest, f"{self.path}:{line}")
        if self._has_header:
            self._names = self._header_names(first, f"{self.path}:{line}")
        else:
            self._names = self._positions([first, *rest], f"{self.path}:{line}")

    def _is_header(self, first: Sequence[str], rest: Sequence[Sequence[str]], where: str) -> bool:
        """Tell whether the first line names the columns.

        Raises:
            DistillirError: It may, and it may be a text.
        """
        plain = [plain_key(cell) for cell in first]
        ids = [index for index, name in enumerate(plain) if name in _IDS]
        texts = [index for index, name in enumerate(plain) if name in _TEXTS]
        if any(one != other for one in ids for other in texts):
            return True
        if first[0].strip() == "" and texts:
            return True
        if all(name in _TEXTS or name in ANSWERS for name in plain):
            return True
        digits = any(letter.isdigit() for letter in first[0])
        numbered = len(rest) > 1 and all(any(letter.isdigit() for letter in cells[0]) for cells in rest)
        if 0 in ids or (not digits and (numbered or any(index for index in texts if index))):
            raise DistillirError(
                f"the first line may be a header or a text: {shown_keys(first)}",
                where=where,
                remedy="in the first line call the columns id, text and, of documents, title, or remove the line",
            )
        return False

    def _header_names(self, first: Sequence[str], where: str) -> list[str]:
        names = [cell.strip() for cell in first]
        unnamed = [index for index, name in enumerate(names) if not name or plain_key(name).startswith("unnamed")]
        if not any(plain_key(name) in id_names(self.kind) for name in names):
            if not unnamed:
                raise DistillirError(
                    f"the header names no id (columns: {shown_keys(names)})",
                    where=where,
                    remedy=f"call the column of the ids id (or {', '.join(id_names(self.kind)[1:4])}); "
                    f"{NUMBERS_JUDGE_NOTHING}, " + (NUMBERING_CSV if is_csv(self.path) else NUMBERING_ROWS),
                )
            others = [name for name in names if name and plain_key(name) not in {*text_names(self.kind), *TITLES}]
            self._told.append(
                "ids are the numbers in the column without a name"
                + (
                    f", not {shown_keys(others)}: judgements must name these numbers, or call a column id"
                    * bool(others)
                )
            )
            names[unnamed[0]] = "id"
        names = [name or _UNNAMED for name in names]
        choose_text_keys(names, self.kind, where, header=True)
        return names

    def _positions(self, rows: Sequence[Sequence[str]], where: str) -> list[str]:
        """Names of the columns of a table without a header.

        Raises:
            DistillirError: They cannot be told, or the first column holds no ids.
        """
        width = self._table.width
        self._refuse_sentences(rows, where)
        if width == 2:
            return ["id", "text"]
        if width == 3 and self.kind == "document":
            second, third = (sum(len(cells[column]) for cells in rows) for column in (1, 2))
            if _share_of_urls([cells[1] for cells in rows]) >= URL_SHARE:
                return ["id", "url", "text"]
            names = ["id", "text", "title"] if second >= third else ["id", "title", "text"]
            self._told.append(f"three columns are read as {names[0]}, {names[1]} and {names[2]}")
            return names
        if width == 4 and self.kind == "document" and _share_of_urls([cells[1] for cells in rows]) >= URL_SHARE:
            return ["id", "url", "title", "text"]
        known = {
            3: "",
            4: ", and the second holds no addresses as MS MARCO's documents have them (id, url, title, body)",
        }
        raise DistillirError(
            f"{width} columns of {'documents' if self.kind == 'document' else 'queries'} without a header"
            f"{known.get(width, '') if self.kind == 'document' else ''}; expected id and text",
            where=where,
            remedy=NAME_THEM,
        )

    def _refuse_sentences(self, rows: Sequence[Sequence[str]], where: str) -> None:
        """Refuse a first column of sentences: questions before their answers, or texts before their ids."""
        sentences = sum(count_words(cells[0]) > MOST_WORDS[self.kind] for cells in rows)
        if 2 * sentences <= len(rows):
            return
        lists = sum(cells[1].strip().startswith("[") and cells[1].strip().endswith("]") for cells in rows)
        answers = "answers" if 2 * lists > len(rows) else "answers or ids"
        what = "questions without ids" if self.kind == "query" else "texts"
        raise DistillirError(
            f"the first column holds {what} where ids are expected (as {rows[0][0][:60]!r}), "
            f"and the second looks like {answers}",
            where=where,
            remedy=f"{NUMBERING if self.kind == 'query' else 'put the id before the text'}; "
            "if these are the ids, name the columns in a first line: id, tab, text",
        )


def _share_of_urls(cells: Sequence[str]) -> float:
    return sum("://" in cell[:12] or cell.startswith("www.") or not cell for cell in cells) / len(cells)
