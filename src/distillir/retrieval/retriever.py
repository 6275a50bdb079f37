"""The interface of whatever ranks a corpus for queries."""

from typing import Protocol

from distillir.base.arrays import Rows
from distillir.collections import Collection
from distillir.collections.run import Run

#: Queries whose vectors are multiplied at a time; a share that begins at a multiple of it gets the scores of the whole.
QUERY_BLOCK = 1024


class Retriever(Protocol):
    """Anything that ranks a corpus for queries; `distillir.retrieval.found_nothing` knows what else one may have.

    Attributes:
        name: Short, for run names and people.
    """

    name: str

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """Rank at most ``depth`` documents of the corpus for each of the query rows [Q]."""
