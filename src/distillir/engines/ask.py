"""Questions to an engine: recall against exact search, time a query, and measures by judgements."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.progress import progress
from distillir.collections import Collection, Qrels
from distillir.collections.own_documents import own_documents
from distillir.collections.run import from_lists
from distillir.engines.encodings import IndexedEncodings
from distillir.engines.engine import Engine
from distillir.engines.source import IndexSource
from distillir.evaluation.measures import evaluate
from distillir.retrieval.own_document import without

#: Documents that are asked for, and the measure of them.
DEPTH, MEASURE = 10, "nDCG@10"
#: Queries that are asked before time is taken.
_WARM = 5


@dataclass(frozen=True)
class Answers:
    """The answers of an engine to the queries.

    Attributes:
        rows: Documents of each query, best first.
        milliseconds: Of each query, from the vector to ids, titles and texts.
    """

    rows: list[Rows]
    milliseconds: list[float]

    def times(self) -> dict[str, float]:
        """Milliseconds a query, ``p50`` and ``p95``."""
        return {f"p{q}": round(float(np.percentile(self.milliseconds, q)), 2) for q in (50, 95)}


def ask(
    engine: Engine, source: IndexSource, encodings: IndexedEncodings, queries: Rows, *, hybrid: bool
) -> dict[str, Any]:
    """Ask an engine queries one after the other, and compare its answers with those of exact search.

    Args:
        engine: Filled.
        source: Of the documents.
        encodings: Of the documents and of these queries.
        queries: Query rows [Q].
        hybrid: Whether its search by vector and words is asked too.

    Returns:
        ``exact``, ``engine`` and ``hybrid``, with ``recall@10``, ``ms`` and the measure as far as each has them.
    """
    collection = source.collection
    own = np.full(len(queries), -1)
    if source.own_document == "leave_out":
        own = own_documents(collection, queries).rows
    depth = DEPTH + int((own >= 0).any())
    exact = encodings.exact(depth)
    answers = _answers(collection, len(queries), lambda place: engine.search(encodings.query(place), depth), "Ask")
    parts = zip(answers.rows, exact, strict=True)
    shares = [
        encodings.found(place, rows[:DEPTH], (best[:DEPTH], scores[:DEPTH]))
        for place, (rows, (best, scores)) in enumerate(parts)
    ]
    found: dict[str, Any] = {
        "exact": {},
        "engine": {f"recall@{DEPTH}": round(float(np.mean(shares)), 4), "ms": answers.times()},
    }
    lists = {"exact": [rows for rows, _ in exact], "engine": answers.rows}
    if hybrid:
        texts = collection.queries.texts(queries.tolist())
        both = _answers(
            collection,
            len(queries),
            lambda place: engine.hybrid(encodings.query(place), texts[place], depth),
            "Ask by vector and words",
        )
        found["hybrid"], lists["hybrid"] = {"ms": both.times()}, both.rows
    if source.qrels is not None:
        qrels = of_queries(source.qrels, queries)
        for name, ranked in lists.items():
            found[name][MEASURE] = round(_measure(ranked, queries, own, qrels), 4)
    return found


def _answers(collection: Collection, count: int, search: Callable[[int], list[str]], label: str) -> Answers:
    found, spent = [], []
    for place in range(min(_WARM, count)):
        search(place)
    with progress(label, count) as advance:
        for place in range(count):
            start = time.perf_counter()
            ids = search(place)
            spent.append(1000 * (time.perf_counter() - start))
            found.append(_rows(collection, ids))
            advance(1)
    return Answers(found, spent)


def _rows(collection: Collection, ids: Sequence[str]) -> Rows:
    rows = collection.corpus.rows(ids)
    if (rows < 0).any():
        strange = ids[int(np.flatnonzero(rows < 0)[0])]
        raise DistillirError(f"the engine gave the id {strange!r}, which the collection does not have")
    return rows


def _measure(lists: list[Rows], queries: Rows, own: Rows, qrels: Qrels) -> float:
    ranks = [-np.arange(len(rows), dtype=np.float32) for rows in lists]
    run = without(from_lists(queries, lists, ranks), own).top(DEPTH)
    return evaluate(run, qrels, [MEASURE]).means[MEASURE]


def of_queries(qrels: Qrels, queries: Rows) -> Qrels:
    """The judgements of some queries."""
    kept = np.isin(qrels.queries, queries)
    return Qrels(qrels.queries[kept], qrels.documents[kept], qrels.grades[kept])
