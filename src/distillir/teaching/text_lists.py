"""Texts alone in the form of lists: queries without candidates, and documents without a query."""

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores
from distillir.base.hashes import hash_of_arrays

#: In place of a query row, where a training example is a document alone.
NO_QUERY = -1


class TextLists:
    """Lists (`distillir.teaching.lists.Lists`) of which each is one text: the queries first, then the documents.

    Args:
        asked: Query rows [A]; each is a list without candidates.
        read: Document rows [D]; each is the one candidate of a list whose query is `NO_QUERY`.
    """

    def __init__(self, asked: Rows, read: Rows) -> None:
        self.asked, self.read = np.asarray(asked, dtype=np.int64), np.asarray(read, dtype=np.int64)
        self.queries: Rows = np.concatenate([self.asked, np.full(len(self.read), NO_QUERY, dtype=np.int64)])

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def fingerprint(self) -> str:
        """Hash of all rows (hex)."""
        return hash_of_arrays(self.asked, self.read)

    def documents(self, index: int) -> Rows:
        """The ``index``-th text where it is a document; nothing where it is a query."""
        first = index - len(self.asked)
        return self.read[first : first + 1] if first >= 0 else self.read[:0]

    def scores(self, index: int) -> Scores:
        """Zeros: nobody has scored a document alone."""
        return np.zeros(len(self.documents(index)), dtype=np.float32)

    def relevant(self, index: int) -> Flags:
        """No document is relevant to no query."""
        return np.zeros(len(self.documents(index)), dtype=bool)
