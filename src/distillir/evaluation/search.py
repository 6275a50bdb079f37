"""Exact search of a trained student."""

from pathlib import Path

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.encoding.model_files import model_kind
from distillir.retrieval.found_nothing import tell_found_nothing
from distillir.retrieval.own_document import search
from distillir.retrieval.retriever import Retriever
from distillir.retrieval.sources import MODEL_SOURCES, load_retriever


def search_student(
    model: str | Path,
    collection: Collection,
    query_rows: Rows,
    depth: int = 100,
    max_length: int | None = None,
    precision: str = "float32",
    trust_remote_code: bool = False,
    own_document: str = "leave_out",
) -> Run:
    """Rank the corpus with a student: exactly, but for multi-vector students on large corpora (see there).

    Args:
        model: The student's folder, or any name of a dense, multi-vector or sparse model.
        collection: The corpus and the queries.
        query_rows: Query rows [Q].
        depth: Documents per query.
        max_length: Tokens per text at most (default: the model's own).
        precision: What the student encodes in. In float32 figures are those of whoever loads the student.
        trust_remote_code: Whether code that comes with the student may run.
        own_document: ``leave_out`` passes over the document that a query itself is, as BEIR does; ``keep`` ranks it.

    Returns:
        The run.

    Raises:
        DistillirError: The model is of a kind that searches nothing, or cannot be loaded.
    """
    kind = model_kind(model)
    if kind not in MODEL_SOURCES:
        raise DistillirError(f"is a {kind} model, which searches no corpus", where=str(model))
    options = {"max_length": max_length, "precision": precision, "trust_remote_code": trust_remote_code}
    retriever = load_retriever({kind: {"model": str(model), **options}})
    return search_measured(retriever, collection, query_rows, depth, own_document=own_document)


def search_measured(
    retriever: Retriever, collection: Collection, query_rows: Rows, depth: int, *, own_document: str = "leave_out"
) -> Run:
    """Rank for a measure, and tell of queries that find nothing.

    Args:
        retriever: What ranks.
        collection: See `search_student`.
        query_rows: See there.
        depth: See there.
        own_document: See there.
    """
    run = search(retriever, collection, query_rows, depth, own_document=own_document)
    tell_found_nothing(retriever, run, collection, query_rows)
    return run
