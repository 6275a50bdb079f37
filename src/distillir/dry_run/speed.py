"""Seconds of work on texts, from timing some of them: of every length, in batches as the work itself makes them."""

import time
from collections.abc import Callable

import numpy as np

from distillir.base.arrays import Rows

#: Texts (or pairs) of which some are timed.
SAMPLE = 2048
#: Places in the order of length at which texts are timed: few, but no text of a batch is much longer than another.
PLACES = 12
#: Seconds after which no larger batches are tried.
ENOUGH = 1.5
#: Texts timed at each place: at first, and at most.
FEWEST, MOST = 2, 512


def seconds_each(lengths: Rows, work: Callable[[Rows], object]) -> float:
    """Mean seconds of a text, over the lengths of a sample.

    Neighbours in the order of length are timed together, at evenly spaced places of that order, since that is how texts
    are encoded: sorted, and so with little padding. Batches grow until they take long enough for a clock and for what a
    batch costs by itself; the largest ones count.

    Args:
        lengths: Of the texts of a sample, in characters [N], N > 0.
        work: Does the work on some texts, by their places in ``lengths``; its results are thrown away.
    """
    order = np.argsort(lengths, kind="stable")
    work(order[len(order) // 2 :][:FEWEST])  # the first call builds kernels
    count, spent = FEWEST, 0.0
    while True:
        groups = _groups(order, count)
        start = time.monotonic()
        for group in groups:
            work(group)
        taken = time.monotonic() - start
        spent += taken
        if spent + 2 * taken > ENOUGH or count >= MOST or count * PLACES >= len(order):
            return taken / sum(len(group) for group in groups)
        count *= 2


def _groups(order: Rows, count: int) -> list[Rows]:
    """Neighbours in an order, around evenly spaced places of it."""
    if count * PLACES >= len(order):
        return [order]
    middles = ((np.arange(PLACES) + 0.5) * len(order) / PLACES).astype(np.int64)
    starts = np.clip(middles - count // 2, 0, len(order) - count)
    return [order[start : start + count] for start in starts.tolist()]


def some(rows: Rows, most: int = SAMPLE, seed: int = 0) -> Rows:
    """A random sample of at most ``most`` rows, in their order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
