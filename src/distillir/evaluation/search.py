"""Exact search of a trained student."""

from pathlib import Path

from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.retrieval.dense import DenseRetriever
from distillir.retrieval.run import Run


def search_student(
    model: str | Path, collection: Collection, query_rows: Rows, depth: int = 100, max_length: int | None = None
) -> Run:
    """Rank the whole corpus with a dense student, exactly, in float32: as whoever loads the student will see it.

    Args:
        model: The student's folder, or any name that SentenceTransformer loads.
        collection: The corpus and the queries.
        query_rows: Query rows [Q].
        depth: Documents per query.
        max_length: Tokens per text at most (default: the model's own).

    Returns:
        The run.
    """
    return DenseRetriever(str(model), max_length, precision="float32").search(collection, query_rows, depth)
