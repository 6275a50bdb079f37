"""Candidates: a run that knows its collection."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from distillir.collections import Collection
from distillir.front_door.forms import as_path
from distillir.retrieval.run import Run
from distillir.retrieval.trec import write_run


@dataclass(frozen=True, eq=False, repr=False)
class Candidates(Run):
    """Documents to be scored for each query: a `distillir.retrieval.run.Run` with its collection.

    Attributes:
        collection: Whose rows it holds.
        split: The split whose queries these are; None for others.
    """

    collection: Collection = None  # type: ignore[assignment]  # a field behind those that have defaults
    split: str | None = None

    @classmethod
    def of_run(cls, run: Run, collection: Collection, split: str | None) -> "Candidates":
        """A run as candidates."""
        return cls(run.queries, run.offsets, run.documents, run.scores, run.name, collection, split)

    def top(self, depth: int) -> "Candidates":
        """The same candidates cut to the first ``depth`` documents a query."""
        return self.of_run(super().top(depth), self.collection, self.split)

    def ids(self) -> dict[str, list[str]]:
        """Document ids by query id, best first."""
        names = self.collection.queries.ids(self.queries)
        return {name: self.collection.corpus.ids(rows) for name, rows in zip(names, self.lists, strict=True)}

    def texts(self) -> Iterator[tuple[str, list[str]]]:
        """Each query's text with the texts of its documents, in the order of ``lists``: what a scorer reads."""
        for query, rows in zip(self.queries, self.lists, strict=True):
            yield self.collection.queries.text(int(query)), self.collection.corpus.texts(rows)

    def write(self, path: "str | os.PathLike[str]") -> None:
        """Write a TREC run file, which ``{"trec": path}`` among a recipe's sources reads."""
        write_run(self, self.collection, as_path(path))

    def __repr__(self) -> str:
        of = f" {self.split}" if self.split else ""
        return f"<{len(self.documents)} candidates of {len(self)}{of} queries of {self.collection.name}>"
