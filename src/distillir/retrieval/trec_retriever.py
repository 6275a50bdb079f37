"""Rankings in a TREC run file as a source of candidates."""

from pathlib import Path

from distillir.base.arrays import Rows
from distillir.collections import Collection
from distillir.collections.run import Run


class TrecRetriever:
    """Rankings from elsewhere: a TREC run file; queries it lacks get an empty list."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = self.path.name

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """See `distillir.retrieval.retriever.Retriever`."""
        from distillir.retrieval.trec import read_run

        return read_run(self.path, collection).select(query_rows).top(depth)

    def why_nothing(self, collection: Collection, query_rows: Rows) -> str:
        """The likely reason why no query has a document."""
        return f"{self.path} has no line for one of them; is it of another split?"
