"""Gains and losses query by query, with the top of each ranking before and after."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distillir.collections.collection import Collection, Qrels
from distillir.collections.run import Run
from distillir.evaluation.measures import evaluate
from distillir.reporting.wording import shortened

Values = npt.NDArray[np.float64]
SHOWN = 5  # queries told in full, at each end
TOP = 3  # documents shown of each ranking


@dataclass(frozen=True)
class Passage:
    """A document as the report shows it, title and text cut short."""

    id: str
    title: str
    text: str
    relevant: bool


@dataclass(frozen=True)
class QueryChange:
    """One query before and after.

    Attributes:
        id: The query's id.
        text: Its text.
        before: The measure before.
        after: The measure after.
        first_relevant: Run (``before``, ``after``, ``teacher``) to the rank from 1 of its first relevant document,
            None where it has none; runs that are not known are left out.
        top_before: The first documents before.
        top_after: The first documents after.
        sought: A relevant document, where neither top has one.
    """

    id: str
    text: str
    before: float
    after: float
    first_relevant: dict[str, int | None]
    top_before: list[Passage]
    top_after: list[Passage]
    sought: Passage | None


@dataclass(frozen=True)
class QueryGains:
    """The change of the main measure, query by query.

    Attributes:
        measure: The main measure.
        differences: After minus before of every judged query [Q], largest first.
        best: The queries that gained most.
        worst: The queries that lost most.
    """

    measure: str
    differences: Values
    best: list[QueryChange]
    worst: list[QueryChange]

    @property
    def wins(self) -> int:
        """Number of queries that got better."""
        return int((self.differences > 0).sum())

    @property
    def losses(self) -> int:
        """Number of queries that got worse."""
        return int((self.differences < 0).sum())

    @property
    def ties(self) -> int:
        """Number of queries that stayed the same."""
        return len(self.differences) - self.wins - self.losses


def query_gains(collection: Collection, qrels: Qrels, runs: Mapping[str, Run], measure: str) -> QueryGains:
    """Compare the runs before and after on each judged query.

    Args:
        collection: Where the texts are.
        qrels: Judgements of the evaluated split.
        runs: ``before`` and ``after``, and ``teacher`` where there is one.
        measure: Such as ``MRR@10``.

    Returns:
        The differences and the queries at both ends; of equal differences the query that stands first in the
        collection is taken.
    """
    queries = qrels.query_rows
    before, after = (evaluate(runs[name], qrels, [measure]).values[measure] for name in ("before", "after"))
    difference = after - before
    order = np.argsort(-difference, kind="stable")
    ends = np.concatenate([order[:SHOWN], np.argsort(difference, kind="stable")[:SHOWN]])
    chosen = {name: run.select(queries[ends]) for name, run in runs.items()}

    def told(place: int) -> QueryChange:
        lists = {name: run.of(place)[0] for name, run in chosen.items()}
        at = ends[place]
        return _told(collection, qrels, int(queries[at]), float(before[at]), float(after[at]), lists)

    half = len(ends) // 2
    return QueryGains(
        measure,
        difference[order],
        [told(i) for i in range(half) if difference[ends[i]] > 0],
        [told(i) for i in range(half, len(ends)) if difference[ends[i]] < 0],
    )


def _told(
    collection: Collection,
    qrels: Qrels,
    query: int,
    before: float,
    after: float,
    lists: Mapping[str, npt.NDArray[np.int64]],
) -> QueryChange:
    relevant = qrels.relevant(query)

    def passage(document: int) -> Passage:
        corpus = collection.corpus
        title, text = shortened(corpus.title(document)), shortened(corpus.body(document))
        return Passage(corpus.id(document), title, text, document in relevant)

    def first(ranking: npt.NDArray[np.int64]) -> int | None:
        places = np.flatnonzero(np.isin(ranking, relevant))
        return int(places[0]) + 1 if len(places) else None

    tops = {name: [passage(int(d)) for d in lists[name][:TOP]] for name in ("before", "after")}
    seen = any(p.relevant for top in tops.values() for p in top)
    return QueryChange(
        collection.queries.id(query),
        shortened(collection.queries.text(query)),
        before,
        after,
        {name: first(ranking) for name, ranking in lists.items()},
        tops["before"],
        tops["after"],
        None if seen or not len(relevant) else passage(int(relevant[0])),
    )
