"""Hofstätter's MarginMSE files: ``pos_score, neg_score, query id, positive id, negative id``, tab-separated.

Read, the pairs of a query (which need not stand together) become one list, positives first. Written, every relevant
candidate is paired with every other; where none is judged relevant, the teacher's best is the positive.
Source of the form: sebastian-hofstaetter/neural-ranking-kd, README.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.teaching.formats.format import Format, Glance, Settings
from distillir.teaching.formats.lists import RowList
from distillir.teaching.formats.pair_columns import PairColumns, read_pairs
from distillir.teaching.formats.values import is_number, tsv_cell, write_scores
from distillir.teaching.negatives import Negatives
from distillir.teaching.teaching_set import TeachingSet


def _read(source: Path, collection: Collection, settings: Settings) -> Iterator[RowList]:
    pairs = read_pairs(source, collection, settings.unknown)
    order, starts = _by_query(pairs)
    for place, start in enumerate(starts):
        lines = order[start : starts[place + 1] if place + 1 < len(starts) else None]
        documents = np.concatenate([pairs.positives[lines], pairs.negatives[lines]])
        scores = np.concatenate([pairs.positive_scores[lines], pairs.negative_scores[lines]])
        relevant = np.arange(len(documents)) < len(lines)
        first = int(pairs.lines[lines[0]])
        query = int(pairs.queries[lines[0]])
        yield RowList(first, query, documents, scores, relevant, f"{source}:{first}")


def _by_query(pairs: PairColumns) -> tuple[Rows, Rows]:
    """Pairs ordered by the first line of their query, then by line; and where each query starts in that order."""
    _, first, inverse = np.unique(pairs.queries, return_index=True, return_inverse=True)
    order = np.argsort(first[inverse], kind="stable")
    ordered = pairs.queries[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ordered) else order
    return order, starts


def _write(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    if not teaching_set.has_scores:
        raise DistillirError("has no teacher scores, which this format needs", where=teaching_set.path)
    dropped, unjudged, allowed = 0, 0, Negatives(teaching_set, collection)
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for index, query in enumerate(teaching_set.queries):
            relevant = teaching_set.relevant(index).copy()
            if not relevant.any() and len(relevant):
                relevant[int(teaching_set.scores(index).argmax())] = True
                unjudged += 1
            negative = allowed.of(index, relevant)
            if not negative.any():
                dropped += 1
                continue
            query_id = tsv_cell(collection.queries.id(int(query)), "query", path)
            ids = [tsv_cell(i, "document", path) for i in collection.corpus.ids(teaching_set.documents(index))]
            scores = write_scores(teaching_set.scores(index))
            for i in np.flatnonzero(relevant):
                for j in np.flatnonzero(negative):
                    stream.write(f"{scores[i]!r}\t{scores[j]!r}\t{query_id}\t{ids[i]}\t{ids[j]}\n")
    allowed.say()
    if unjudged:
        say(f"{unjudged:,} lists have no relevant candidate: the teacher's best was taken for the positive")
    if dropped:
        say(f"left out {dropped:,} lists without a negative")


def _recognises(glance: Glance) -> bool:
    return len(glance.cells) == 5 and all(is_number(cell) for cell in glance.cells[:2])


FORMAT = Format(
    name="margin-mse",
    description="Hofstätter's MarginMSE tsv: pos_score, neg_score, query id, positive id, negative id",
    expected="positive score, negative score, query id, positive id, negative id, with tabs between",
    recognises=_recognises,
    read=_read,
    texts=lambda source, settings: None,
    write=_write,
)
