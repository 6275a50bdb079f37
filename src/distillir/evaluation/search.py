"""Exact search of a trained student."""

from pathlib import Path

from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.retrieval.dense import DenseRetriever
from distillir.retrieval.run import Run


def search_student(
    model: str | Path,
    collection: Collection,
    query_rows: Rows,
    depth: int = 100,
    max_length: int | None = None,
    precision: str = "float32",
) -> Run:
    """Rank the whole corpus with a dense student, exactly.

    Args:
        model: The student's folder, or any name that SentenceTransformer loads.
        collection: The corpus and the queries.
        query_rows: Query rows [Q].
        depth: Documents per query.
        max_length: Tokens per text at most (default: the model's own).
        precision: What the student encodes in. In float32 figures are those of whoever loads the student.

    Returns:
        The run.
    """
    return DenseRetriever(str(model), max_length, precision=precision).search(collection, query_rows, depth)
