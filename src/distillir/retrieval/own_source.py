"""A source of candidates from outside the package: its rankings are checked."""

from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.specs.outside_calls import outside_call, wrong_answer


class OwnSource:
    """A source of the user's own, or of an installed package, behind checks.

    Args:
        kind: Its name in recipes.
        source: What it makes.

    Raises:
        DistillirError: It cannot search.
    """

    def __init__(self, kind: str, source: Any) -> None:
        if not callable(getattr(source, "search", None)):
            raise wrong_answer(kind, "make", f"a {type(source).__name__} without search", "give a source of candidates")
        self.kind, self.source = kind, source
        self.name = str(getattr(source, "name", kind))

    def __getattr__(self, name: str) -> Any:
        """Any other attribute of the source; see `distillir.retrieval.found_nothing.tell_found_nothing`."""
        return getattr(self.__dict__["source"], name)

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """Rank documents; see `distillir.retrieval.retriever.Retriever`.

        Raises:
            DistillirError: It fails, or gives anything else than a ranking of the corpus's documents.
        """
        remedy = "give a Run of these queries, each document at most once"
        with outside_call(self.kind, "search"):
            run = self.source.search(collection, query_rows, depth)
        if not isinstance(run, Run):
            raise wrong_answer(self.kind, "search", f"a {type(run).__name__}", remedy)
        if not np.array_equal(run.queries, query_rows):
            raise wrong_answer(self.kind, "search", "rankings of other queries, or in another order", remedy)
        rows = run.documents
        if len(rows) and (rows.min() < 0 or rows.max() >= len(collection.corpus)):
            wrong = int(rows[(rows < 0) | (rows >= len(collection.corpus))][0])
            told = f"document row {wrong}, and there are {len(collection.corpus)} documents"
            raise wrong_answer(self.kind, "search", told, "give rows from 0, as collection.corpus has them")
        for place, found in enumerate(run.lists):
            if len(np.unique(found)) < len(found):
                query = collection.queries.id(int(run.queries[place]))
                raise wrong_answer(self.kind, "search", f"a document twice for query {query!r}", remedy)
        return run
