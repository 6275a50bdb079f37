"""Lists in which a copy of a positive counts as the positive that it is."""

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores
from distillir.collections import Qrels
from distillir.collections.known_positives import KnownPositives
from distillir.teaching.lists import Lists


class CopyAwareLists:
    """Lists whose candidates with the text of a positive, under whatever id, are positives too.

    Nothing is added to any judgements: what is measured knows nothing of it.

    Args:
        lists: A teaching set, or any lists.
        known: Knows the texts.
        judged: Judgements whose positives count though they are not in a list (a copy of one may be); None: those
            alone that the lists themselves call relevant.
    """

    def __init__(self, lists: Lists, known: KnownPositives, judged: Qrels | None = None) -> None:
        self.lists, self.known, self.judged = lists, known, judged

    def __len__(self) -> int:
        return len(self.lists.queries)

    @property
    def queries(self) -> Rows:
        """Query rows [Q]."""
        return self.lists.queries

    def documents(self, index: int) -> Rows:
        """Candidate rows of the ``index``-th query."""
        return self.lists.documents(index)

    def scores(self, index: int) -> Scores:
        """Their teacher scores."""
        return self.lists.scores(index)

    def relevant(self, index: int) -> Flags:
        """Mask [N] of the candidates that are judged relevant or have the text of one that is."""
        flags, texts = self.lists.relevant(index), self.known.texts[self.lists.documents(index)]
        good = texts[flags]
        if self.judged is not None:
            good = np.concatenate([good, self.known.texts[self.judged.relevant(int(self.lists.queries[index]))]])
        found: Flags = flags | np.isin(texts, good)
        return found

    def negative(self, index: int, positive: int) -> Flags:
        """Flags of the ``index``-th list's candidates that are negatives beside the positive at a place.

        That are those that are not relevant and have another text than it.
        """
        texts = self.known.texts[self.lists.documents(index)]
        found: Flags = ~self.relevant(index) & (texts != texts[positive])
        return found

    def levelled(self, index: int, labels: Scores) -> Scores:
        """Labels [N] of the ``index``-th list in which copies of one text have that of the best of them.

        So no text is better or worse than itself; the array that was given where no text stands twice.
        """
        texts = self.known.texts[self.lists.documents(index)]
        distinct, place = np.unique(texts, return_inverse=True)
        if len(distinct) == len(texts):
            return labels
        best = np.full(len(distinct), -np.inf, dtype=labels.dtype)
        np.maximum.at(best, place, labels)
        return np.asarray(best[place], dtype=labels.dtype)
