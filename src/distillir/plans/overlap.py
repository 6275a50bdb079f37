"""Steps of related queries: those whose candidate lists overlap learn together."""

from collections.abc import Sequence

import numpy as np

from distillir.base.arrays import Rows


class Overlap:
    """Queries that share candidates, found by an index from documents to lists.

    Args:
        documents: Candidate rows of each query, [N] of their own length each.
    """

    def __init__(self, documents: Sequence[Rows]) -> None:
        self.documents = documents
        owners = np.repeat(np.arange(len(documents)), [len(rows) for rows in documents])
        every = np.concatenate(documents)
        order = np.argsort(every, kind="stable")
        self._owners = owners[order]
        self._distinct, starts = np.unique(every[order], return_index=True)
        self._starts = np.append(starts, len(every))

    def shared(self, query: int) -> tuple[Rows, Rows]:
        """The queries that share candidates with one (itself among them) [R], and how many each shares [R]."""
        places = np.searchsorted(self._distinct, self.documents[query])
        lists = [self._owners[self._starts[place] : self._starts[place + 1]] for place in places]
        found, counts = np.unique(np.concatenate(lists), return_counts=True)
        return found, counts

    def order(self, size: int, generator: np.random.Generator) -> Rows:
        """All queries [Q] in an order in which each run of ``size`` is related as long as that lasts.

        A query drawn at random takes the free queries that share the most candidates with it, and so on; the runs are
        shuffled. Queries whose relatives were all taken come last.
        """
        free = np.ones(len(self.documents), dtype=bool)
        whole: list[Rows] = []
        rest: list[Rows] = []
        for query in generator.permutation(len(self.documents)):
            if not free[query]:
                continue
            free[query] = False
            found, counts = self.shared(int(query))
            counts, found = counts[free[found]], found[free[found]]
            relatives = found[np.argsort(-counts, kind="stable")[: size - 1]]
            free[relatives] = False
            run = np.concatenate([[query], relatives])
            (whole if len(run) == size else rest).append(run)
        shuffled = [whole[i] for i in generator.permutation(len(whole))]
        return np.concatenate([*shuffled, *rest]).astype(np.int64)
