"""Merging of pairs or triplets of one query into one list."""

from collections.abc import Iterator

from distillir.teaching.formats.lists import IdList
from distillir.teaching.formats.tally import ImportTally


def merge_queries(lists: Iterator[IdList], tally: ImportTally) -> Iterator[IdList]:
    """Merge lists into one a query, its relevant candidates first, in the order of the file.

    All lists stand in memory: about 200 bytes a candidate.
    """
    parts: dict[str, list[IdList]] = {}
    met = 0
    for entry in lists:
        parts.setdefault(entry.query, []).append(entry)
        met += 1
    if met > len(parts):
        tally.note(f"{met:,} pairs or triplets became {{}} lists, one a query", len(parts))
    for own in parts.values():
        yield join_lists(own) if len(own) > 1 else own[0]


def join_lists(own: list[IdList]) -> IdList:
    """Join lists of one query into one; it has scores only where all have them."""
    documents = [document for entry in own for document in entry.documents]
    flags = [flag for entry in own for flag in (entry.relevant or [False] * len(entry.documents))]
    scored = all(entry.scores is not None for entry in own)
    scores = [score for entry in own for score in entry.scores or ()] if scored else None
    order = sorted(range(len(documents)), key=lambda place: not flags[place])
    return own[0]._replace(
        documents=[documents[place] for place in order],
        scores=None if scores is None else [scores[place] for place in order],
        relevant=[flags[place] for place in order],
    )
