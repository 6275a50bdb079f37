"""Lists on their way into a set: relevance as the caller wants it, documents without repeats, and counts of both."""

from collections.abc import Iterable, Iterator

import numpy as np

from distillir.collections import Collection, Qrels
from distillir.teaching.formats.lists import RowList
from distillir.teaching.formats.tally import ImportTally


def with_relevance(
    lists: Iterable[RowList], relevant: str | None, collection: Collection, tally: ImportTally
) -> Iterator[RowList]:
    """The lists, each document once, with the relevance that the caller asks for.

    Args:
        lists: As the file has them.
        relevant: As in `import_teaching`.
        collection: Whose rows they hold.
        tally: Is told of documents that stand twice.

    Raises:
        DistillirError: The collection has no such split.
    """
    qrels: Qrels | None = None
    if relevant not in (None, "first", "none"):
        qrels = collection.qrels(str(relevant))
    for entry in (distinct(one, tally) for one in lists):
        if qrels is not None:
            yield entry._replace(relevant=np.isin(entry.documents, qrels.relevant(entry.query)))
        elif relevant is not None:
            flags = np.zeros(len(entry.documents), dtype=bool)
            flags[: 1 if relevant == "first" else 0] = True
            yield entry._replace(relevant=flags)
        else:
            yield entry


def distinct(entry: RowList, tally: ImportTally) -> RowList:
    """Keep each document of a list once, at its first place; positives come before negatives."""
    _, first, inverse = np.unique(entry.documents, return_index=True, return_inverse=True)
    if len(first) == len(entry.documents):
        return entry
    again = np.setdiff1d(np.arange(len(entry.documents)), first)
    kept_for = first[inverse[again]]
    tally.note("{} documents stand twice in a list, and are kept where they first stand", len(again))
    if entry.relevant is not None:
        both = int((entry.relevant[kept_for] & ~entry.relevant[again]).sum())
        tally.note("  {} of them are positives that stand among the negatives too: they are kept as positives", both)
    if entry.scores is not None:
        differing = int((entry.scores[kept_for] != entry.scores[again]).sum())
        tally.note("  {} of them have another score there: the first counts", differing)
    kept = np.sort(first)
    return entry._replace(
        documents=entry.documents[kept],
        scores=None if entry.scores is None else entry.scores[kept],
        relevant=None if entry.relevant is None else entry.relevant[kept],
    )
