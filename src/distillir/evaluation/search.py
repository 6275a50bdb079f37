"""Exact search of a trained student."""

from pathlib import Path

from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.retrieval.found_nothing import tell_found_nothing
from distillir.retrieval.own_document import search
from distillir.retrieval.run import Run
from distillir.students.kind import Candidates, StudentKind
from distillir.students.registry import kind_of_files


def search_student(
    model: str | Path,
    collection: Collection,
    query_rows: Rows,
    depth: int = 100,
    max_length: int | None = None,
    precision: str = "float32",
    trust_remote_code: bool = False,
    own_document: str = "leave_out",
    kind: StudentKind | None = None,
    candidates: Candidates | None = None,
) -> Run:
    """Rank the corpus with a student: exactly, but for multi-vector students on large corpora (see there).

    A kind that does not search (`StudentKind.searches`) ranks candidates.

    Args:
        model: The student's folder, or any name of a dense, multi-vector or sparse model.
        collection: The corpus and the queries.
        query_rows: Query rows [Q].
        depth: Documents per query.
        max_length: Tokens per text at most (default: the model's own).
        precision: What the student encodes in. In float32 figures are those of whoever loads the student.
        trust_remote_code: Whether code that comes with the student may run.
        own_document: ``leave_out`` passes over the document that a query itself is, as BEIR does; ``keep`` ranks it.
        kind: The student's kind; None: what its files say.
        candidates: Finds what a kind ranks that does not search; not asked for others.

    Returns:
        The run.
    """
    own = kind_of_files(model) if kind is None else kind
    retriever = own.retriever(
        str(model),
        max_length=max_length,
        precision=precision,
        trust_remote_code=trust_remote_code,
        candidates=candidates,
    )
    run = search(retriever, collection, query_rows, depth, own_document=own_document)
    tell_found_nothing(retriever, run, collection, query_rows)
    return run
