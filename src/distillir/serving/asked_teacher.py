"""The teacher, asked on demand about a few documents."""

import copy
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection
from distillir.collections.table import TextTable
from distillir.collections.table_writer import TableWriter


class AskedTeacher:
    """A recipe's teacher. One query is asked at a time; answers are kept where a run keeps them.

    Args:
        spec: As a recipe has it under ``teacher``.
        collection: Where the documents are.

    Attributes:
        name: For people.
        paid: Whether it is behind a server, where a question may cost money.

    Raises:
        DistillirError: Its model is not there.
    """

    def __init__(self, spec: Any, collection: Collection) -> None:
        from distillir.teachers.load import load_teacher

        self._teacher, self._collection, self._lock = load_teacher(spec), collection, Lock()
        self.name, self.paid = self._teacher.name, behind_server(spec)

    def order(self, text: str, row: int, documents: Rows) -> tuple[Rows, Scores]:
        """Order documents for a query, best first; those without an answer are left out.

        Args:
            text: The query.
            row: Its row in the collection; -1 where it is none of its queries.
            documents: Document rows.

        Raises:
            DistillirError: The teacher cannot be asked.
        """
        with self._lock:
            if row >= 0:
                scores = self._teacher.score(self._collection, np.array([row]), [documents])[0]
            else:
                with tempfile.TemporaryDirectory() as folder:
                    asked = with_query(self._collection, text, Path(folder))
                    scores = self._teacher.score(asked, np.array([0]), [documents])[0]
        known = np.flatnonzero(~np.isnan(scores))
        order = known[np.lexsort((documents[known], -scores[known]))]
        return documents[order], scores[order]


def with_query(collection: Collection, text: str, folder: Path) -> Collection:
    """A collection with one query in place of its own.

    Args:
        collection: Keeps its documents.
        text: The query's.
        folder: Empty; holds the query as long as it is needed.
    """
    writer = TableWriter(folder, "query")
    writer.add("asked", text)
    writer.close()
    other = copy.copy(collection)
    other.queries = TextTable(folder)
    return other


def behind_server(spec: Any) -> bool:
    """Tell whether any part of a recipe's teacher is a server."""
    if isinstance(spec, dict):
        return "server" in spec or any(behind_server(part) for part in spec.values())
    return isinstance(spec, list) and any(behind_server(part) for part in spec)
