"""Texts that stand twice: queries that are documents, queries that are evaluated too, copies of positives."""

import numpy as np

from distillir.base.progress import say
from distillir.collections import Collection, Qrels
from distillir.collections.known_positives import KnownPositives
from distillir.collections.own_documents import own_documents
from distillir.collections.table import Rows
from distillir.collections.text_identity import text_keys
from distillir.pipeline.queries import evaluation_queries, repeated_queries, training_qrels
from distillir.pipeline.run_folder import RunFolder
from distillir.teaching.known_lists import KnownLists
from distillir.teaching.lists import Lists
from distillir.teaching.teaching_set import TeachingSet

#: Under what the counts are noted, and stand in ``metrics.json``.
FACT = "same_texts"


def tell_same_texts(folder: RunFolder, training: Rows, evaluated: Rows | None = None) -> None:
    """Count which queries are documents and which training queries are evaluated too; tell and note what is not 0.

    Noted are, of training and evaluation queries together, ``own_documents`` (same id and text: left out, or kept where
    the recipe says so), ``own_judged`` (of these judged relevant, and so kept), ``same_id`` (a document has the id and
    another text), ``same_text`` (a document has the text and another id); and ``evaluated``: training queries with the
    text of an evaluated one under another id.

    Args:
        folder: The run's.
        training: Query rows that are learnt from.
        evaluated: Query rows that are measured on; None: the recipe's.
    """
    collection, wanted = folder.collection, folder.recipe.queries
    evaluated = evaluation_queries(folder) if evaluated is None else evaluated
    rows = np.union1d(training, evaluated)
    own = own_documents(collection, rows)
    counts = {
        "own_documents": int((own.rows >= 0).sum()),
        "own_judged": int(own.judged.sum()),
        "same_id": int(own.same_id.sum()),
        "same_text": _documents_under_other_ids(collection, rows),
        "evaluated": len(repeated_queries(collection, training, evaluated)),
    }
    folder.facts.note_parts(FACT, counts)
    left = "they are kept (queries.own_document: keep)" if wanted.own_document == "keep" else (
        "none is a candidate of its own, taught or measured (queries.own_document: keep would have it)"
    )  # fmt: skip
    kept = "a judgement says that it is sought, so it is kept"
    lines = {
        "own_documents": f"are documents of the corpus themselves (same id, same text): {left}",
        "own_judged": f"are judged relevant to themselves (a document has their id and text): {kept}",
        "same_id": "have the id of a document with another text: that document is a candidate like any other",
        "same_text": "have the text of a document with another id: that document is a candidate like any other",
    }
    for name, line in lines.items():
        if counts[name]:
            say(f"{counts[name]} of {len(rows)} queries {line}")
    if counts["evaluated"]:
        say(
            f"{counts['evaluated']} of {len(training)} training queries have the text of an evaluated query under "
            "another id: what is measured on those was learnt (queries.leave_out_evaluated: true leaves them out)"
        )


def tell_copies(folder: RunFolder, lists: TeachingSet) -> None:
    """Count candidates that have the text of a positive under another id; tell and note it where there are any."""
    known = known_lists(folder, lists)
    found = [int((known.relevant(index) & ~lists.relevant(index)).sum()) for index in range(len(lists))]
    if any(found):
        folder.facts.note_part(FACT, sum(found), "copies")
        say(
            f"{sum(found)} candidates of {sum(count > 0 for count in found)} lists have the text of a positive under "
            "another id: they are no negatives (training.mask_positives)"
        )


def own_judgements(folder: RunFolder) -> Qrels | None:
    """Judgements of the training queries; None where a teaching set made elsewhere says what is relevant."""
    return None if folder.recipe.teaching is not None else training_qrels(folder)


def known_lists(folder: RunFolder, lists: Lists) -> KnownLists:
    """Lists of a run in which copies of positives are positives too."""
    return KnownLists(lists, KnownPositives(folder.collection), own_judgements(folder))


def _documents_under_other_ids(collection: Collection, rows: Rows) -> int:
    """Number of the queries that have the text of a document under another id."""
    keys, texts = text_keys(collection.queries)[rows], text_keys(collection.corpus)
    ordered = np.sort(texts)
    copies = np.searchsorted(ordered, keys, side="right") - np.searchsorted(ordered, keys, side="left")
    same = collection.corpus.rows(collection.queries.ids(rows))
    copies -= (same >= 0) & (texts[same] == keys)
    return int((copies > 0).sum())
