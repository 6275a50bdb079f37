"""Mining of candidates: for each query, the documents that the teacher is to score."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.collections import Collection, Qrels
from distillir.collections.run import Run, from_lists
from distillir.collections.text_identity import text_keys
from distillir.retrieval.found_nothing import tell_found_nothing
from distillir.retrieval.fusion import fuse
from distillir.retrieval.own_document import search
from distillir.retrieval.retriever import Retriever

SAMPLES = ("top", "random")


def mine_candidates(
    collection: Collection,
    query_rows: Rows,
    sources: Sequence[Retriever],
    *,
    depth: int,
    fusion: str = "rrf",
    weights: Sequence[float] | None = None,
    qrels: Qrels | None = None,
    exclude_judged: bool = False,
    add_judged: bool = False,
    size: int | None = None,
    sample: str = "top",
    seed: int = 0,
    own_document: str = "leave_out",
    queries: str = "queries",
    among: Rows | None = None,
) -> Run:
    """Rank with every source, fuse, and choose.

    Args:
        collection: The corpus and the queries.
        query_rows: Query rows [Q].
        sources: One or more; see `distillir.retrieval.sources.load_retriever`.
        depth: Documents per query of the fused ranking.
        fusion: How several sources become one; see `fuse`.
        weights: One per source; see `fuse`.
        qrels: Judgements, for the next two.
        exclude_judged: Leave out documents judged relevant, and all with the text of one under whatever id; the list is
            filled from below.
        add_judged: Put in documents judged relevant that the ranking lacks, in place of its last ones.
        size: Candidates kept of the ``depth`` (default: all).
        sample: Which are kept: the ``top`` ones, or ``random`` ones (of the same seed always the same for a query,
            whatever other queries are mined with it). Documents judged relevant are kept first where ``add_judged``.
        seed: Seed of the random choice.
        own_document: ``leave_out`` takes the document that a query itself is out of every source's ranking, before
            they are fused; ``keep`` leaves it. See `distillir.collections.own_documents.own_documents`.
        queries: What the queries are called where a source finds nothing for some; see `tell_found_nothing`.
        among: All query rows that are mined for, where ``query_rows`` are a share of them: how deep sources are
            searched depends on all, so that a query gets the same list in any share.

    Returns:
        A run with at most min(depth, size) documents per query, more only where more are judged and added.

    Raises:
        DistillirError: Options that contradict each other or are out of range.
    """
    if depth < 1 or (size is not None and size < 1):
        raise DistillirError("candidates need a depth and a size of at least 1", where="candidates")
    if sample not in SAMPLES:
        raise DistillirError(f"unknown sample {sample!r}", where="candidates", remedy="choose top or random")
    if exclude_judged and add_judged:
        raise DistillirError("exclude_judged and add_judged contradict each other", where="candidates")
    if not sources:
        raise DistillirError("no source of candidates", where="candidates", remedy="write from: bm25")
    if (exclude_judged or add_judged) and qrels is None:
        raise DistillirError("judged documents are to be treated, but there are no qrels", where="candidates")
    judged = [_relevant(qrels, int(q)) for q in query_rows]
    excluded = _copies(collection, judged) if exclude_judged else judged
    reserve = max((len(rows) for rows in excluded), default=0) if exclude_judged else 0
    if among is not None and exclude_judged:
        of_all = _copies(collection, [_relevant(qrels, int(q)) for q in among])
        reserve = max((len(rows) for rows in of_all), default=0)
    own: dict[str, Any] = {"own_document": own_document, "among": among}
    runs = [search(source, collection, query_rows, depth + reserve, **own) for source in sources]
    for source, found_by in zip(sources, runs, strict=True):
        tell_found_nothing(source, found_by, collection, query_rows, queries)
    run = runs[0] if len(runs) == 1 else fuse(runs, how=fusion, weights=weights, depth=depth + reserve)
    documents, scores = [], []
    for place, query in enumerate(query_rows):
        found, values = run.of(place)
        if exclude_judged:
            left = ~np.isin(found, excluded[place])
            found, values = found[left], values[left]
        kept = np.arange(min(depth, len(found)))
        relevant = judged[place] if add_judged else judged[place][:0]
        if size is not None or len(relevant):
            kept = _choose(found[:depth], relevant, min(size or depth, depth), sample, [seed, int(query)])
        missing = np.setdiff1d(relevant, found[kept])
        # Scored as the last one is: what a ranking lacks stands below what it has.
        last = values[kept[-1]] if len(kept) else np.float32(0)
        documents.append(np.concatenate([found[kept], missing]))
        scores.append(np.concatenate([values[kept], np.full(len(missing), last, dtype=np.float32)]))
    return from_lists(query_rows, documents, scores, run.name)


def _relevant(qrels: Qrels | None, query: int) -> Rows:
    return np.empty(0, dtype=np.int64) if qrels is None else qrels.relevant(query)


def _copies(collection: Collection, judged: list[Rows]) -> list[Rows]:
    """Judged documents of each query, and every other document with the text of one."""
    texts = text_keys(collection.corpus)
    order = np.argsort(texts, kind="stable")
    ordered = texts[order]
    found = []
    for rows in judged:
        keys = np.unique(texts[rows])
        starts, ends = (np.searchsorted(ordered, keys, side=side) for side in ("left", "right"))
        found.append(np.concatenate([rows[:0], *(order[a:b] for a, b in zip(starts, ends, strict=True))]))
    return found


def _choose(found: Rows, relevant: Rows, size: int, sample: str, seed: list[int]) -> Rows:
    """Ascending positions in ``found`` to keep: all relevant ones, and others to fill ``size`` with the relevant."""
    own = np.flatnonzero(np.isin(found, relevant))
    others = np.setdiff1d(np.arange(len(found)), own)
    count = min(len(others), max(0, size - len(relevant)))
    if sample == "random":
        others = np.random.default_rng(seed).permutation(others)
    return np.sort(np.concatenate([own, others[:count]]))
