"""Pairs to train a cross-encoder on: judged positives, mined negatives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.seeds import PAIR_ORDER
from distillir.collections import Collection
from distillir.collections.known_positives import KnownPositives
from distillir.collections.run import Run
from distillir.retrieval.own_document import without_own


@dataclass(frozen=True)
class TrainingPairs:
    """Aligned arrays [N].

    Attributes:
        queries: Query rows.
        documents: Document rows.
        labels: 1 for a judged positive, 0 for a mined negative.
        grades: The judged grade of each positive, 0 for a negative.
    """

    queries: Rows
    documents: Rows
    labels: npt.NDArray[np.float32]
    grades: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def fingerprint(self) -> str:
        """Hash of the rows and labels (hex)."""
        return xxhash.xxh3_128_hexdigest(self.queries.tobytes() + self.documents.tobytes() + self.labels.tobytes())


@dataclass(frozen=True)
class TrainingTriples:
    """Aligned arrays [N], to train a pairwise cross-encoder on.

    Attributes:
        queries: Query rows.
        first: Document rows.
        second: Document rows.
        labels: The wanted probability that the first is better. By default 1 where the first is the judged positive
            and the second a mined negative, 0 the other way round, 0.5 where both are negatives.
    """

    queries: Rows
    first: Rows
    second: Rows
    labels: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)


#: Wanted probabilities [M] that the first of two of the pairs is better, of their places [M] and [M].
Preferences = Callable[[Rows, Rows], npt.NDArray[np.float32]]


def training_triples(pairs: TrainingPairs, seed: int = 0, preferences: Preferences | None = None) -> TrainingTriples:
    """Each positive against each of its negatives, half of them in either order (drawn by ``seed``), and ties.

    Ties are each negative against the next of the same positive. Without them a model learns to look at the first
    document alone, and turns close pairs round that are no better the other way.

    Args:
        pairs: Positives, each before its negatives.
        seed: Of the order within a triple.
        preferences: What the labels are in place of 1, 0 and 0.5; triples where it is NaN are left out.
    """
    positives = np.maximum.accumulate(np.where(pairs.labels == 1, np.arange(len(pairs)), 0))
    negatives = np.flatnonzero(pairs.labels == 0)
    ahead = np.random.default_rng([seed, PAIR_ORDER]).permutation(np.arange(len(negatives)) % 2 == 0)
    ties = np.flatnonzero((pairs.labels[:-1] == 0) & (pairs.labels[1:] == 0))
    order = np.argsort(np.concatenate([negatives, ties]), kind="stable")
    first = np.concatenate([np.where(ahead, positives[negatives], negatives), ties])[order]
    second = np.concatenate([np.where(ahead, negatives, positives[negatives]), ties + 1])[order]
    if preferences is None:
        labels = np.concatenate([ahead.astype(np.float32), np.full(len(ties), 0.5, dtype=np.float32)])[order]
    else:
        labels = preferences(first, second)
        known = ~np.isnan(labels)
        first, second, labels = first[known], second[known], labels[known]
    return TrainingTriples(pairs.queries[first], pairs.documents[first], pairs.documents[second], labels)


def training_pairs(
    collection: Collection,
    split: str,
    negatives_run: Run,
    *,
    negatives_per_positive: int = 2,
    negative_depth: int = 30,
    max_pairs: int | None = None,
    seed: int = 0,
    own_document: str = "leave_out",
    leave_out: Rows | None = None,
) -> TrainingPairs:
    """Each judged positive of a split, with negatives drawn from what a run ranks high.

    Args:
        collection: Where judgements are.
        split: Whose.
        negatives_run: Rankings of the split's queries; what any split judges relevant, and all with the text of such a
            document, is taken out of them.
        negatives_per_positive: Drawn without replacement for each positive; fewer where the run has fewer.
        negative_depth: Drawn from the first so many that are left.
        max_pairs: Whole positives with their negatives, of queries in random order, until this many pairs.
        seed: Of draws and order; a query's draws do not depend on other queries.
        own_document: ``leave_out``: a document that is the query itself is no negative either; ``keep``: it may be.
        leave_out: Query rows that are not learnt from.

    Raises:
        DistillirError: The split has no judged positive, or the run has no negative for any query.
    """
    qrels, known = collection.qrels(split), KnownPositives(collection)
    negatives_run = without_own(negatives_run, collection, own_document=own_document)
    place = {int(query): i for i, query in enumerate(negatives_run.queries)}
    order = qrels.query_rows
    if leave_out is not None:
        order = np.setdiff1d(order, leave_out)
    if max_pairs is not None:
        order = np.random.default_rng(seed).permutation(order)
    queries: list[int] = []
    documents: list[int] = []
    labels: list[float] = []
    grades: list[int] = []
    positives = 0
    for query in order.tolist():
        judged, judged_grades = qrels.of(query)
        relevant = judged[judged_grades > 0]
        ranked = negatives_run.of(place[query])[0] if query in place else np.empty(0, dtype=np.int64)
        pool = ranked[~known.among(query, ranked, np.isin(ranked, relevant))][:negative_depth]
        draw = np.random.default_rng([seed, query])
        for positive, grade in zip(relevant.tolist(), judged_grades[judged_grades > 0].tolist(), strict=True):
            negatives = draw.choice(pool, size=min(negatives_per_positive, len(pool)), replace=False).tolist()
            if max_pairs is not None and len(labels) + 1 + len(negatives) > max_pairs:
                break
            positives += 1
            queries += [query] * (1 + len(negatives))
            documents += [positive, *negatives]
            labels += [1.0] + [0.0] * len(negatives)
            grades += [grade] + [0] * len(negatives)
    if not positives:
        raise DistillirError(
            f"no pair to train on in split {split!r} of {collection.name}",
            where="train-teacher",
            remedy="choose a split with relevant judgements, or more pairs",
        )
    if positives == len(labels):
        raise DistillirError(
            "the run ranks no negative for any of the split's queries",
            where="train-teacher",
            remedy=f"mine candidates for the queries of split {split!r}",
        )
    return TrainingPairs(
        np.array(queries, dtype=np.int64),
        np.array(documents, dtype=np.int64),
        np.array(labels, dtype=np.float32),
        np.array(grades, dtype=np.int32),
    )
