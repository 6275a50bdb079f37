"""Scoring of what the score cache lacks, each key once, however many processes ask."""

from collections.abc import Callable

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.base.processes import barrier, rank, world_size
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import Keys


def score_missing(cache: ScoreCache, keys: Keys, ask: Callable[[Rows], None], calls: dict[str, int]) -> Scores:
    """Scores [N] of keys [N, 2], from the cache or else from the model.

    Each process asks for its share of the missing ones, chosen by content, and reads the others' from the cache, which
    all must share.

    Args:
        cache: Where scores are kept.
        keys: What is wanted; repeats are asked for once.
        ask: Told the places in ``keys`` that are missing, puts their scores into ``cache``.
        calls: Its ``cached`` is raised by the number that was found.
    """
    cache.refresh()
    scores = cache.get(keys)
    missing = np.flatnonzero(np.isnan(scores))
    calls["cached"] += len(keys) - len(missing)
    _, first = np.unique(keys[missing], axis=0, return_index=True)
    distinct = missing[np.sort(first)]
    mine = distinct[keys[distinct, 1] % np.uint64(world_size()) == rank()]
    if len(mine):
        ask(mine)
    cache.close()
    barrier()
    if len(missing):
        cache.refresh()
        scores[missing] = cache.get(keys[missing])
    return scores
