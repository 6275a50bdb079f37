"""CL-DRD's lists: their groups, their labels, and what happens where candidates are few."""

import numpy as np
import pytest

from distillir.plans.graded_lists import HARD, REMAINING, GradedLists

NOBODY = np.zeros(50, dtype=bool)


def scores(count: int = 50, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(count).astype(np.float32)


def draw(
    sampler: GradedLists, values: np.ndarray, relevant: np.ndarray, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks from 1 by the teacher, and labels, of what is drawn."""
    chosen = sampler.choose(values, relevant, np.random.default_rng(seed))
    assert len(set(chosen.tolist())) == len(chosen)
    ranks = np.argsort(np.argsort(-values, kind="stable")) + 1
    return ranks[chosen], sampler.labels(values, relevant)[chosen]


def test_the_first_stage_of_the_paper() -> None:
    ranks, labels = draw(GradedLists(5, 12, 13), scores(), NOBODY)
    np.testing.assert_array_equal(ranks[:5], [1, 2, 3, 4, 5])
    np.testing.assert_allclose(labels[:5], [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5], rtol=1e-6)
    assert (labels == HARD).sum() == 12
    assert (labels == REMAINING).sum() == 13
    # half: ranks 6 to 28 are hard, 29 to 50 remaining (45 follow the top group).
    assert ranks[labels == HARD].max() <= 28 < ranks[labels == REMAINING].min()


def test_the_last_stage_of_the_paper_is_the_teachers_ranking() -> None:
    ranks, labels = draw(GradedLists(30, 0, 0), scores(), NOBODY)
    np.testing.assert_array_equal(ranks, np.arange(1, 31))
    np.testing.assert_allclose(labels, 1 / np.arange(1, 31), rtol=1e-6)


def test_judged_positives_stand_first() -> None:
    values, relevant = scores(), NOBODY.copy()
    worst = int(values.argmin())
    relevant[worst] = True
    ranks, labels = draw(GradedLists(5, 12, 13), values, relevant)
    assert (ranks[0], labels[0]) == (50, 1.0)
    np.testing.assert_array_equal(ranks[1:5], [1, 2, 3, 4])
    ranks, _ = draw(GradedLists(5, 12, 13, first="teacher"), values, relevant)
    np.testing.assert_array_equal(ranks[:5], [1, 2, 3, 4, 5])


@pytest.mark.parametrize("cut", [6, 20, 40, 49])
def test_the_cut_is_a_rank(cut: int) -> None:
    ranks, labels = draw(GradedLists(5, 4, 6, cut=cut), scores(), NOBODY)
    # It moves where a group's range would hold too few.
    edge = min(max(cut, 9), 44)
    assert ranks[labels == HARD].max() <= edge < ranks[labels == REMAINING].min()


@pytest.mark.parametrize("count", range(2, 31))
def test_short_lists_keep_the_top_and_share_the_rest(count: int) -> None:
    values = scores(count)
    ranks, labels = draw(GradedLists(5, 12, 13), values, NOBODY[:count])
    assert sorted(ranks.tolist()) == list(range(1, count + 1))
    left = max(0, count - 5)
    assert abs((labels == HARD).sum() - left * 12 / 25) <= 0.5
    assert (np.diff(labels[np.argsort(ranks)]) <= 0).all()


def test_ties_keep_the_order_they_were_mined_in() -> None:
    sampler = GradedLists(3, 0, 0)
    np.testing.assert_array_equal(
        sampler.choose(np.zeros(5, np.float32), NOBODY[:5], np.random.default_rng(0)), [0, 1, 2]
    )


def test_documents_that_are_no_candidates_count_as_remaining() -> None:
    assert GradedLists(5, 12, 13).outside(scores()) == REMAINING


def test_the_seed_decides_what_is_drawn() -> None:
    sampler = GradedLists(5, 12, 13)
    one, again, other = (draw(sampler, scores(), NOBODY, seed)[0].tolist() for seed in (0, 0, 1))
    assert one == again != other
