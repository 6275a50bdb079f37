"""Candidate lists of a plan: those of the run where there are any, else BM25's of some queries, else random ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores
from distillir.collections import Qrels
from distillir.dry_run.folder import DryFolder
from distillir.dry_run.search import Searches
from distillir.dry_run.speed import some
from distillir.pipeline.adopted_lists import kept_lists
from distillir.pipeline.mined_parts import evaluation_part, training_part
from distillir.pipeline.products import needs_lists
from distillir.pipeline.queries import training_qrels
from distillir.pipeline.rankings import read_ranking
from distillir.retrieval.sources import read_sources
from distillir.teaching.teaching_set import open_teaching_set

#: Queries whose lists are looked at.
MOST_LISTS = 512


@dataclass(frozen=True)
class DryLists:
    """Lists of some of a plan's queries, in the form that a training reads (`distillir.teaching.lists.Lists`).

    Scores are random: what a step costs does not depend on them. Each list has a positive, judged or not.

    Attributes:
        queries: Query rows [S].
        rows: Candidates of each.
        positives: Whether each is taken for judged relevant.
        every: Query rows of all lists that there will be [total].
        corpus: Documents in the corpus.
    """

    queries: Rows
    rows: list[Rows]
    positives: list[Flags]
    every: Rows
    corpus: int

    def __len__(self) -> int:
        return len(self.queries)

    def documents(self, index: int) -> Rows:
        """Candidate rows of the ``index``-th query."""
        return self.rows[index]

    def scores(self, index: int) -> Scores:
        """Random scores of them, always the same."""
        drawn: Scores = np.random.default_rng([3, index]).standard_normal(len(self.rows[index])).astype(np.float32)
        return drawn

    def relevant(self, index: int) -> Flags:
        """Mask of the candidates that are taken for judged relevant."""
        return self.positives[index]

    @property
    def total(self) -> int:
        """Number of lists."""
        return len(self.every)

    @property
    def pairs(self) -> int:
        """Number of candidates of all lists."""
        return round(self.total * float(np.mean([len(rows) for rows in self.rows]))) if self.rows else 0

    @property
    def usable(self) -> int:
        """Number of lists of two candidates or more."""
        return round(self.total * float(np.mean([len(rows) > 1 for rows in self.rows]))) if self.rows else 0

    def distinct(self) -> Rows:
        """Document rows that stand for the distinct documents of all lists: as many as there will be about.

        As if documents were drawn at random from a pool that gives as many distinct ones as the lists at hand have.
        """
        found = np.unique(np.concatenate(self.rows)) if self.rows else np.empty(0, dtype=np.int64)
        drawn = sum(len(rows) for rows in self.rows)
        if len(self) >= self.total or not drawn:
            return found
        low, high = float(len(found)), float(self.corpus)
        for _ in range(50):
            pool = (low + high) / 2
            low, high = (pool, high) if pool * (1 - np.exp(-drawn / pool)) < len(found) else (low, pool)
        wanted = min(self.corpus, round(high * (1 - np.exp(-self.pairs / high))))
        others = np.setdiff1d(np.arange(self.corpus), found)
        return np.union1d(found, some(others, max(wanted - len(found), 0)))

    def first(self, count: int) -> "DryLists":
        """Some of the lists that can be learnt from."""
        kept = [place for place, rows in enumerate(self.rows) if len(rows) > 1][:count]
        rows, positives = [self.rows[place] for place in kept], [self.positives[place] for place in kept]
        return DryLists(self.queries[kept], rows, positives, self.every, self.corpus)


def planned_training_lists(folder: DryFolder, searches: Searches) -> DryLists:
    """Lists of the training queries: the run's or a teaching set's where there are any; none of texts alone."""
    corpus, qrels = len(folder.collection.corpus), training_qrels(folder)
    if not needs_lists(folder):
        none = np.empty(0, dtype=np.int64)
        return _lists(none, [], None, none, corpus)
    adopted, brought = folder.teaching.is_dir(), folder.recipe.teaching
    if adopted or brought is not None:
        taught = open_teaching_set(folder.teaching if adopted else Path(str(brought)), folder.collection)
        places = np.arange(len(taught), dtype=np.int64) if adopted else np.flatnonzero(kept_lists(folder, taught))
        chosen = some(places, MOST_LISTS)
        lists = [np.asarray(taught.documents(place)) for place in chosen.tolist()]
        return _lists(taught.queries[chosen], lists, qrels, taught.queries[places], corpus)
    if folder.candidates.is_file():
        run = read_ranking(folder, folder.candidates)
        chosen = some(np.arange(len(run), dtype=np.int64), MOST_LISTS)
        return _lists(run.queries[chosen], [run.lists[place] for place in chosen.tolist()], qrels, run.queries, corpus)
    part = training_part(folder)
    return _mined(folder, searches, part.rows, part.depth, qrels)


def evaluation_lists(folder: DryFolder, searches: Searches) -> DryLists:
    """Lists of the evaluation queries, which the teacher ranks."""
    part = evaluation_part(folder)
    return _mined(folder, searches, part.rows, part.depth, None)


def _mined(folder: DryFolder, searches: Searches, rows: Rows, depth: int, qrels: Qrels | None) -> DryLists:
    """BM25's lists where it is a source, else random documents; topped up where another source would fill them."""
    wanted, corpus = folder.recipe.candidates, len(folder.collection.corpus)
    sources = read_sources(wanted.from_)
    own = next((options for kind, options in sources if kind == "bm25"), None)
    chosen = some(rows, MOST_LISTS)
    draw = np.random.default_rng(5)
    if own is not None:
        chosen, lists = searches.bm25_lists(own, chosen, depth)
    else:
        lists = [np.empty(0, dtype=np.int64) for _ in chosen]
    if own is None or len(sources) > 1:
        lists = [_filled(found, min(depth, corpus), corpus, draw) for found in lists]
    if qrels is not None and wanted.add_judged:
        judged = [qrels.relevant(int(query)) for query in chosen]
        lists = [np.union1d(found, known) for found, known in zip(lists, judged, strict=True)]
    return _lists(chosen, lists, qrels, rows, corpus)


def _filled(found: Rows, wanted: int, corpus: int, draw: np.random.Generator) -> Rows:
    """A list with as many other documents at random as it lacks."""
    pool = np.arange(corpus) if corpus < 8 * wanted else np.unique(draw.integers(0, corpus, 3 * wanted))
    others = draw.permutation(pool[~np.isin(pool, found)])
    return np.concatenate([found, others[: wanted - len(found)]]).astype(np.int64)


def _lists(queries: Rows, lists: Sequence[Rows], qrels: Qrels | None, every: Rows, corpus: int) -> DryLists:
    positives = []
    for query, rows in zip(queries.tolist(), lists, strict=True):
        flags = np.isin(rows, qrels.relevant(query)) if qrels is not None else np.zeros(len(rows), dtype=bool)
        if len(rows) and not flags.any():
            flags[0] = True
        positives.append(flags)
    return DryLists(np.asarray(queries), list(lists), positives, every, corpus)
