"""Finding texts without ids in a given collection."""

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.collections import Collection
from distillir.collections.table import TextTable
from distillir.collections.table_form import ROWS_PER_BATCH
from distillir.teaching.formats.tally import ImportTally

LOOKED_AT = 200  # documents whose text is compared where an id is given too
SHOWN = 60  # characters of a text in a message


def _key(text: str) -> int:
    return xxhash.xxh3_64_intdigest(" ".join(text.split()).encode("utf-8", "surrogatepass"))


class TextRows:
    """Rows of a table by text, white space aside: with and without the title. 16 bytes a text in memory.

    Args:
        table: A collection's corpus or queries.
    """

    def __init__(self, table: TextTable) -> None:
        self._table = table
        keys: list[int] = []
        for start in range(0, len(table), ROWS_PER_BATCH):
            rows = range(start, min(start + ROWS_PER_BATCH, len(table)))
            keys += [_key(f"{t} {b}") for t, b in zip(table.titles(rows), table.bodies(rows), strict=True)]
        titled = [row for row, title in enumerate(table.titles()) if title]
        keys += [_key(table.body(row)) for row in titled]
        values = np.array(keys, dtype=np.uint64)
        rows_of = np.array([*range(len(table)), *titled], dtype=np.int64)
        order = np.argsort(values, kind="stable")
        self._keys: npt.NDArray[np.uint64] = values[order]
        self._rows: npt.NDArray[np.int64] = rows_of[order]

    def row(self, text: str) -> int:
        """The first row with a text, -1 where there is none."""
        place = int(np.searchsorted(self._keys, np.uint64(_key(text))))
        if place == len(self._keys) or self._keys[place] != np.uint64(_key(text)):
            return -1
        row = int(self._rows[place])
        return row if same_text(self._table, row, text) else -1


def same_text(table: TextTable, row: int, text: str) -> bool:
    """Tell whether a row has a text, white space aside, with or without its title."""
    words = text.split()
    return words in (table.text(row).split(), table.body(row).split())


class CollectionTexts:
    """Ids in a given collection of queries and documents that a file names by id, by text or by both.

    Args:
        collection: Where they must be.
        tally: Counts what was found by text.
    """

    def __init__(self, collection: Collection, tally: ImportTally) -> None:
        self.collection, self.tally = collection, tally
        self._by_text: dict[str, TextRows] = {}
        self._compared = 0

    def query(self, identifier: str | None, text: str | None) -> str:
        """The id of a query; one that no query has where the text is unknown."""
        return self._find("queries", self.collection.queries, identifier, text)

    def document(self, identifier: str | None, text: str | None) -> str:
        """The id of a document; one that no document has where the text is unknown."""
        return self._find("documents", self.collection.corpus, identifier, text)

    def _find(self, kind: str, table: TextTable, identifier: str | None, text: str | None) -> str:
        if identifier is not None:
            self._compare(kind, table, identifier, text)
            return identifier
        if kind not in self._by_text:
            self._by_text[kind] = TextRows(table)
        row = self._by_text[kind].row(text or "")
        if row >= 0:
            self.tally.note(f"{{}} {kind} without ids were found in the collection by their texts")
            return table.id(row)
        if text and table.row(text) >= 0:
            self.tally.note(f"{{}} entries of {kind} were no texts but ids of the collection, read as such")
            return text
        shown = " ".join((text or "").split())
        return f"with the text {shown[:SHOWN]}{'...' if len(shown) > SHOWN else ''}"

    def _compare(self, kind: str, table: TextTable, identifier: str, text: str | None) -> None:
        """Count ids, among the first that come with a text, whose text in the collection differs."""
        if text is None or self._compared == LOOKED_AT:
            return
        row = table.row(identifier)
        if row >= 0:
            self._compared += 1
            if not same_text(table, row, text):
                self.tally.note(
                    f"of the first {LOOKED_AT} ids that come with texts {{}} have another text in the collection, "
                    "which is what is read: is it the collection that the file was made for?"
                )
