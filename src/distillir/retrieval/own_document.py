"""Search that leaves out each query's own document, as BEIR does (its ``ignore_identical_ids``)."""

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.own_documents import OWN_DOCUMENT, own_documents
from distillir.collections.run import Run
from distillir.retrieval.retriever import Retriever


def search(
    source: Retriever,
    collection: Collection,
    query_rows: Rows,
    depth: int,
    *,
    own_document: str = "leave_out",
    among: Rows | None = None,
) -> Run:
    """Rank at most ``depth`` documents for query rows [Q], without the queries' own documents.

    Where a query is a document, all are searched one document deeper, so that its list is as long as the others.

    Args:
        source: What ranks.
        collection: The corpus and the queries.
        query_rows: Query rows [Q].
        depth: Documents per query.
        own_document: ``leave_out``, or ``keep`` for whatever the source finds.
        among: All queries that are searched for, where these are a share of them; they say whether one is a document.

    Raises:
        DistillirError: Another word for ``own_document``, or the source cannot be searched.
    """
    check_own_document(own_document)
    own = own_documents(collection, query_rows).rows if own_document == "leave_out" else np.full(len(query_rows), -1)
    asked = own if among is None or own_document == "keep" else own_documents(collection, among).rows
    if not (asked >= 0).any():
        return source.search(collection, query_rows, depth)
    return without(source.search(collection, query_rows, depth + 1).select(query_rows), own).top(depth)


def without_own(run: Run, collection: Collection, *, own_document: str = "leave_out") -> Run:
    """Take the queries' own documents out of a run, unless there are none or they are to be kept."""
    if own_document == "keep" or not len(run):
        return run
    return without(run, own_documents(collection, run.queries).rows)


def without(run: Run, documents: Rows) -> Run:
    """A run without one document [Q] a query; -1 takes none out."""
    sizes = np.diff(run.offsets)
    kept = run.documents != np.repeat(documents, sizes)
    if kept.all():
        return run
    owners = np.repeat(np.arange(len(run)), sizes)[kept]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(run)))]).astype(np.int64)
    return Run(run.queries, offsets, run.documents[kept], run.scores[kept], run.name)


def check_own_document(value: str) -> None:
    """Refuse a word that is none of `distillir.collections.own_documents.OWN_DOCUMENT`.

    Raises:
        DistillirError: It is none.
    """
    if value not in OWN_DOCUMENT:
        raise DistillirError(f"own_document is {value!r}", remedy=f"choose {' or '.join(OWN_DOCUMENT)}")
