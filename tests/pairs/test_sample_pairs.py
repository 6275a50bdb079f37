"""Which pairs a pairwise teacher is asked about."""

import numpy as np
import pytest

from distillir.signals.preferences.sample import sample_pairs
from distillir.signals.preferences.spec import SamplingSpec

SCORES = np.array([0.1, 5.0, 3.0, 4.9, 1.0, 2.0, 0.5, 4.0], dtype=np.float32)
RANKS = {place: rank for rank, place in enumerate(np.argsort(-SCORES).tolist())}


def test_pairs_lie_close_and_the_higher_one_stands_first() -> None:
    spec = SamplingSpec(per_query=9)
    for seed in range(20):
        pairs = sample_pairs(SCORES, spec, 2, np.random.default_rng(seed))
        assert len({tuple(pair) for pair in pairs.tolist()}) == 9
        apart = [RANKS[second] - RANKS[first] for first, second in pairs.tolist()]
        assert set(apart) <= {1, 2}


def test_every_close_pair_is_as_likely() -> None:
    counts: dict[tuple[int, int], int] = {}
    for seed in range(3000):
        (pair,) = sample_pairs(SCORES, SamplingSpec(per_query=1), 3, np.random.default_rng(seed)).tolist()
        counts[tuple(pair)] = counts.get(tuple(pair), 0) + 1
    assert len(counts) == 7 + 6 + 5
    assert min(counts.values()) > 100 and max(counts.values()) < 240  # 167 each in the mean


def test_depth_and_short_lists() -> None:
    spec = SamplingSpec(per_query=100, depth=3)
    pairs = sample_pairs(SCORES, spec, 5, np.random.default_rng(0))
    assert {frozenset(pair) for pair in pairs.tolist()} == {frozenset({1, 3}), frozenset({1, 7}), frozenset({3, 7})}
    for size in (0, 1):
        assert sample_pairs(SCORES[:size], spec, 5, np.random.default_rng(0)).shape == (0, 2)


def test_near_ties_come_first() -> None:
    pairs = sample_pairs(SCORES, SamplingSpec(per_query=2, choice="near_ties"), 1, np.random.default_rng(0))
    assert pairs.tolist() == [[1, 3], [6, 0]]


@pytest.mark.parametrize("wrong", [{"per_query": 0}, {"distance": 0}, {"depth": 1}, {"choice": "best"}])
def test_bad_numbers(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SamplingSpec.model_validate(wrong)
