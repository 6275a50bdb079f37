"""Margins: a teacher's score of a positive less that of a negative, put together where the positive is the same."""

from collections.abc import Iterable, Iterator

from distillir.teaching.formats.lists import IdList
from distillir.teaching.formats.tally import ImportTally


def merge_margins(lists: Iterable[IdList], tally: ImportTally) -> Iterator[IdList]:
    """One list for each query and positive, whose differences of scores are the margins.

    A margin says how far apart two scores are, and nothing of where they stand. With the positive in common all margins
    of a query are kept exactly; lists of different positives stay apart. Scores are shifted so that the lowest of a
    list is 0: a single pair has the margin for its positive and 0 for its negative.

    Args:
        lists: Lists whose first document is the positive, at 0, and whose others stand at minus their margins.
        tally: Is told how many lists came of how many pairs, and of pairs that occur twice with different margins.
    """
    parts: dict[tuple[str, str], list[IdList]] = {}
    pairs = 0
    for entry in lists:
        parts.setdefault((entry.query, entry.documents[0]), []).append(entry)
        pairs += len(entry.documents) - 1
    for (_, positive), own in parts.items():
        scores: dict[str, float] = {positive: 0.0}
        for entry in own:
            for document, score in zip(entry.documents[1:], entry.scores[1:] if entry.scores else (), strict=True):
                if document == positive:
                    tally.note("left out {} pairs whose negative is the positive itself")
                elif scores.setdefault(document, score) != score:
                    tally.note("{} pairs occur twice with different margins: the first counts")
        lowest = min(scores.values())
        flags = [document == positive for document in scores]
        yield own[0]._replace(
            documents=list(scores), scores=[score - lowest for score in scores.values()], relevant=flags
        )
    if parts:
        queries = len({query for query, _ in parts})
        tally.note(f"{pairs:,} margins of {queries:,} queries became {{}} lists, one for each positive", len(parts))
