"""Own documents: queries that are documents of the corpus themselves, as in ArguAna and Quora."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.collections.collection import Collection
from distillir.collections.text_identity import normalised

#: What may be done with a query's own document.
OWN_DOCUMENT = ("leave_out", "keep")


@dataclass(frozen=True)
class OwnDocuments:
    """The own documents of some queries [Q].

    Attributes:
        rows: Row of the document with the query's id and its text; -1 where there is none, or where it is judged
            relevant to the query: then it is sought, and no mistake.
        judged: Whether there is one that is judged relevant.
        same_id: Whether a document has the query's id and another text: MS MARCO numbers both from 0.
    """

    rows: Rows
    judged: npt.NDArray[np.bool_]
    same_id: npt.NDArray[np.bool_]


def own_documents(collection: Collection, queries: Rows) -> OwnDocuments:
    """Find the own documents of query rows [Q].

    A document is a query's own where both have the same id and the same text by `normalised`: the document's title and
    text, or its text alone (ArguAna's queries are without the titles that its documents have).
    """
    table, corpus = collection.queries, collection.corpus
    rows = corpus.rows(table.ids(queries))
    same_id = rows >= 0
    own = np.full(len(rows), -1, dtype=np.int64)
    for place in np.flatnonzero(same_id).tolist():
        text, row = normalised(table.text(int(queries[place]))), int(rows[place])
        if text == normalised(corpus.text(row)) or (corpus.title(row) and text == normalised(corpus.body(row))):
            own[place] = row
    judged = _judged(collection, queries, own)
    return OwnDocuments(np.where(judged, -1, own), judged, same_id & (own < 0))


def _judged(collection: Collection, queries: Rows, documents: Rows) -> npt.NDArray[np.bool_]:
    """Tell whether any split judges each document [Q] relevant to its query [Q]."""
    found = np.zeros(len(queries), dtype=bool)
    if not (documents >= 0).any():
        return found
    size = len(collection.corpus)
    for split in collection.splits:
        qrels = collection.qrels(split)
        good = qrels.grades > 0
        pairs = qrels.queries[good] * size + qrels.documents[good]
        found |= (documents >= 0) & np.isin(np.asarray(queries) * size + documents, pairs)
    return found
