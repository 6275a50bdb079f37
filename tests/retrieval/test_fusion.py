"""Fusion: against plain sums, and what must not change it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distillir.base.errors import DistillirError
from distillir.collections.run import Run, from_lists
from distillir.retrieval.fusion import FUSIONS, fuse


def run(lists: dict[int, dict[int, float]], name: str = "r") -> Run:
    documents = [np.array(list(d), dtype=np.int64) for d in lists.values()]
    scores = [np.array(list(d.values()), dtype=np.float32) for d in lists.values()]
    return from_lists(list(lists), documents, scores, name)


A = run({1: {10: 3.0, 11: 2.0, 12: 1.0}, 2: {10: 5.0}}, "a")
B = run({1: {12: 0.9, 13: 0.5, 10: 0.1}, 3: {14: 1.0}}, "b")


def scores_of(fused: Run, query: int) -> dict[int, float]:
    rows, values = fused.of(fused.queries.tolist().index(query))
    return dict(zip(rows.tolist(), values.tolist(), strict=True))


def test_reciprocal_rank_fusion_is_its_sum() -> None:
    fused = fuse([A, B], depth=10)
    assert fused.queries.tolist() == [1, 2, 3]
    assert fused.name == "a+b"
    expected = {10: 1 / 61 + 1 / 63, 12: 1 / 63 + 1 / 61, 11: 1 / 62, 13: 1 / 62}
    assert scores_of(fused, 1) == pytest.approx(expected)
    assert fused.of(0)[0].tolist() == [10, 12, 11, 13], "ties go by row"
    assert scores_of(fused, 3) == pytest.approx({14: 1 / 61})


def test_weights_scale_each_run() -> None:
    fused = fuse([A, B], weights=[1.0, 3.0], depth=10)
    assert scores_of(fused, 1) == pytest.approx({10: 1 / 61 + 3 / 63, 12: 1 / 63 + 3 / 61, 11: 1 / 62, 13: 3 / 62})


def test_minmax_and_zscore_are_their_sums() -> None:
    assert scores_of(fuse([A, B], how="minmax", depth=10), 1) == pytest.approx({10: 1.0, 11: 0.5, 12: 1.0, 13: 0.5})
    a, b = np.array([3, 2, 1.0]), np.array([0.9, 0.5, 0.1])
    za, zb = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    expected = {10: za[0] + zb[2], 11: za[1] + zb[2], 12: za[2] + zb[0], 13: za[2] + zb[1]}
    assert scores_of(fuse([A, B], how="zscore", depth=10), 1) == pytest.approx(expected, abs=1e-6)


def test_union_takes_ranks_in_turn() -> None:
    assert fuse([A, B], how="union", depth=10).of(0)[0].tolist() == [10, 12, 11, 13]
    assert fuse([B, A], how="union", depth=10).of(0)[0].tolist() == [12, 10, 13, 11]


def test_depth_cuts_the_fused_list_not_its_parts() -> None:
    full = fuse([A, B], depth=10)
    assert fuse([A, B], depth=2).of(0)[0].tolist() == full.of(0)[0][:2].tolist()


@st.composite
def any_run(draw: st.DrawFn) -> Run:
    rows = draw(st.lists(st.integers(0, 12), unique=True, min_size=1, max_size=8))
    values = draw(st.lists(st.integers(-20, 20), min_size=len(rows), max_size=len(rows), unique=True))
    return run({0: dict(zip(rows, map(float, values), strict=True))})


@settings(max_examples=60, deadline=None)
@given(st.lists(any_run(), min_size=2, max_size=3))
def test_the_order_of_runs_does_not_count(runs: list[Run]) -> None:
    for how in ("rrf", "zscore", "minmax"):
        expected = scores_of(fuse(runs, how=how, depth=50), 0)
        for order in itertools.permutations(runs):
            assert scores_of(fuse(order, how=how, depth=50), 0) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(any_run(), st.sampled_from(FUSIONS))
def test_a_run_fused_with_itself_keeps_its_order(single: Run, how: str) -> None:
    assert fuse([single, single], how=how, depth=50).documents.tolist() == single.documents.tolist()


@settings(max_examples=60, deadline=None)
@given(any_run(), any_run(), st.sampled_from([0.25, 2.0, 1024.0]), st.integers(-8, 8))
def test_scale_and_shift_of_scores_do_not_count(a: Run, b: Run, scale: float, shift: int) -> None:
    moved = from_lists(a.queries, a.lists, [s * np.float32(scale) + np.float32(shift) for s in [a.scores]])
    for how in FUSIONS:
        expected = scores_of(fuse([a, b], how=how, depth=50), 0)
        assert scores_of(fuse([moved, b], how=how, depth=50), 0) == pytest.approx(expected, abs=1e-5)


def test_equal_scores_and_empty_lists_are_finite() -> None:
    flat, empty = run({0: {1: 2.0, 2: 2.0}}), run({0: {}})
    for how in FUSIONS:
        fused = fuse([flat, empty], how=how, depth=5)
        assert fused.documents.tolist() == [1, 2]
        assert np.isfinite(fused.scores).all()
        assert len(fuse([empty, empty], how=how, depth=5).documents) == 0


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(DistillirError, match="unknown fusion 'sum'"):
        fuse([A], how="sum", depth=3)
    with pytest.raises(DistillirError, match="1 weights for 2 runs"):
        fuse([A, B], weights=[1.0], depth=3)
    with pytest.raises(DistillirError, match="no runs"):
        fuse([], depth=3)
