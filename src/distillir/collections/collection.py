"""Collection: corpus, queries and judgements (qrels) with splits, memory-mapped from one folder."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.collections.table import TextTable


@dataclass(frozen=True)
class Qrels:
    """Judgements of one split as three aligned arrays [J], sorted by query row, then document row.

    Attributes:
        queries: Query rows, int64.
        documents: Document rows, int64.
        grades: Relevance grades, int32; 0 and below is judged not relevant.
    """

    queries: Rows
    documents: Rows
    grades: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def query_rows(self) -> Rows:
        """The distinct judged query rows, ascending."""
        return np.unique(self.queries)

    def of(self, query: int) -> tuple[Rows, npt.NDArray[np.int32]]:
        """Judged document rows and grades of one query (empty where it has none)."""
        start, end = np.searchsorted(self.queries, [query, query + 1])
        return self.documents[start:end], self.grades[start:end]

    def relevant(self, query: int) -> Rows:
        """Document rows judged relevant (grade above 0) to one query."""
        documents, grades = self.of(query)
        return documents[grades > 0]


class Collection:
    """A corpus, queries, and qrels by split, opened from an imported folder.

    The folder holds ``corpus/`` and ``queries/`` (see `TextTable`), ``qrels/<split>.npy``, ``info.json``, and
    ``query_rows/<split>.npy`` where the source keeps the queries of each split apart.
    Make one with `distillir.collections.load_collection`.

    Args:
        path: The imported folder.

    Raises:
        DistillirError: The folder is no imported collection.
    """

    def __init__(self, path: Path) -> None:
        if not (path / "info.json").is_file():
            raise DistillirError("is no imported collection", where=path)
        self.path = path
        info = json.loads((path / "info.json").read_text(encoding="utf-8"))
        self.name: str = info["name"]
        self.source: str = info["source"]
        self.splits: list[str] = info["splits"]
        self.corpus = TextTable(path / "corpus")
        self.queries = TextTable(path / "queries")

    def __repr__(self) -> str:
        splits = ", ".join(self.splits) or "no judgements"
        texts = f"{len(self.corpus)} documents, {len(self.queries)} queries"
        return f"<Collection {self.name}: {texts}; {splits}; {self.source}>"

    @property
    def fingerprint(self) -> str:
        """Content hash of corpus and queries, the same wherever the texts came from."""
        return xxhash.xxh3_64_hexdigest((self.corpus.fingerprint + self.queries.fingerprint).encode())

    def qrels(self, split: str) -> Qrels:
        """Judgements of a split.

        Raises:
            DistillirError: The collection has no such split.
        """
        if split not in self.splits:
            remedy = f"choose one of: {', '.join(self.splits)}" if self.splits else "it has no judgements: add some"
            raise DistillirError(f"no split {split!r} in collection {self.name}", remedy=remedy)
        columns = np.load(self.path / "qrels" / f"{split}.npy")
        return Qrels(columns["query"], columns["document"], columns["grade"])

    def query_rows(self, split: str) -> Rows:
        """Query rows of a split, ascending: all of its query file where the source has one per split, else the judged.

        Raises:
            DistillirError: The collection has no such split.
        """
        judged = self.qrels(split).query_rows
        file = self.path / "query_rows" / f"{split}.npy"
        rows: Rows = np.union1d(judged, np.load(file)) if file.is_file() else judged
        return rows


QRELS_DTYPE = np.dtype([("query", np.int64), ("document", np.int64), ("grade", np.int32)])
