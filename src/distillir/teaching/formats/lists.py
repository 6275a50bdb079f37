"""Lists of an imported file: ids turned into rows of a collection."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores, as_scores
from distillir.base.errors import DistillirError
from distillir.collections import Collection

LISTS_AT_ONCE = 500


class IdList(NamedTuple):
    """A list as a file gives it: line, query id, document ids [N], scores [N] or None, relevance [N] or None.

    ``where``: its place for messages; empty for the file and the line.
    """

    line: int
    query: str
    documents: Sequence[str]
    scores: Sequence[float] | None
    relevant: Sequence[bool] | None
    where: str = ""


class RowList(NamedTuple):
    """A list in rows of the collection; the line is for the progress bar, the place for messages."""

    line: int
    query: int
    documents: Rows
    scores: Scores | None
    relevant: Flags | None
    where: str


@dataclass
class Unknown:
    """The treatment of ids that the collection does not have, and counts of them.

    Attributes:
        choice: ``error`` refuses them, ``skip`` leaves them out.
        count: How many were left out.
    """

    choice: Literal["error", "skip"] = "error"
    count: int = 0

    def met(self, kind: str, identifier: str, where: str) -> None:
        """Count an unknown id, or refuse it.

        Raises:
            DistillirError: ``choice`` is ``error``.
        """
        if self.choice == "error":
            raise DistillirError(
                f"{kind} {identifier!r} is not in the collection",
                where=where,
                remedy="give the collection the file was made for, or leave such lines out: import with --skip-unknown",
            )
        self.count += 1


def to_rows(lists: Iterable[IdList], place: str, collection: Collection, unknown: Unknown) -> Iterator[RowList]:
    """Find the rows of the ids, many lists at a time.

    Args:
        lists: What the file holds.
        place: The file, for messages.
        collection: Where the ids must be.
        unknown: What to do with ids that are not there.

    Raises:
        DistillirError: An id is unknown and ``unknown`` says error.
    """
    stream = iter(lists)
    while chunk := list(islice(stream, LISTS_AT_ONCE)):
        queries = collection.queries.rows([entry.query for entry in chunk])
        documents = collection.corpus.rows([i for entry in chunk for i in entry.documents])
        ends = np.cumsum([len(entry.documents) for entry in chunk])
        for entry, query, rows in zip(chunk, queries, np.split(documents, ends[:-1]), strict=True):
            where = entry.where or f"{place}:{entry.line}"
            if query < 0:
                unknown.met("query", entry.query, where)
                continue
            known = rows >= 0
            for index in np.flatnonzero(~known):
                unknown.met("document", entry.documents[int(index)], where)
            if known.any() or not len(rows):
                scores = None if entry.scores is None else as_scores(entry.scores)[known]
                flags = None if entry.relevant is None else np.asarray(entry.relevant, dtype=bool)[known]
                yield RowList(entry.line, int(query), rows[known], scores, flags, where)
