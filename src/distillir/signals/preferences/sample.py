"""Sampling pairs among close ranks."""

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.signals.preferences.spec import SamplingSpec


def sample_pairs(
    scores: Scores,
    spec: SamplingSpec,
    distance: int,
    generator: np.random.Generator,
    student: Scores | None = None,
) -> Rows:
    """Pairs of a list's candidates that lie close in the pointwise teacher's order.

    Args:
        scores: Pointwise scores of the candidates [N].
        spec: How many, how deep, and which.
        distance: Ranks between the two at most.
        generator: For what is random.
        student: The student's scores of the candidates [N]; for the choice ``disagreement``.

    Returns:
        Places [P, 2] in the list, the one that ranks higher first, each pair once; fewer than asked for where there are
        no more.

    Source:
        MiuLab/PairDistill pairwise_rerank.py: all pairs of ranks i < j <= i + distance of the best ``depth``, of which
        some are drawn uniformly without replacement.
    """
    ranked = np.argsort(-scores, kind="stable")[: spec.depth]
    higher, lower = np.triu_indices(len(ranked), k=1)
    close = lower - higher <= distance
    higher, lower = higher[close], lower[close]
    count = min(spec.per_query, len(higher))
    if spec.choice == "near_ties":
        apart = scores[ranked[higher]] - scores[ranked[lower]]
        kept = np.argsort(apart, kind="stable")[:count]
    elif spec.choice == "disagreement":
        assert student is not None
        lead = student[ranked[higher]] - student[ranked[lower]]
        kept = np.argsort(lead, kind="stable")[:count]
    else:
        kept = generator.choice(len(higher), count, replace=False)
    return np.stack([ranked[higher[kept]], ranked[lower[kept]]], axis=1).astype(np.int64)
