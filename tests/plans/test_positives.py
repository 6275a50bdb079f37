"""Lists of objectives that compare positives hold one, whatever draws them; those of others do not change."""

from typing import Any

import numpy as np
import pytest

from distillir.collections import Collection
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.graded_lists import GradedLists
from distillir.plans.plain_lists import SAMPLES, PlainLists
from distillir.signals.preferences.pair_lists import PairLists
from distillir.signals.preferences.pair_set import Pairs
from distillir.signals.registry import of_objective
from distillir.signals.scores.training import ScoresTraining
from example_lists import ExampleLists


@pytest.fixture
def lists(tiny: Collection) -> ExampleLists:
    """Lists whose judged positives the teacher ranks last."""
    found = ExampleLists(tiny)
    for index in range(12):
        found.scores(index)[found.relevant(index)] = -9.0
    return found


@pytest.mark.parametrize("batches", ["shuffled", "overlapping"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_lists_that_need_a_positive_hold_it_where_the_teacher_is_wrong(
    sample: str, batches: str, lists: ExampleLists
) -> None:
    settings: dict[str, Any] = {
        "epochs": 4,
        "queries_per_step": 3,
        "samplers": [PlainLists(2, sample)],
        "batches": batches,
    }
    plain, kept = ExampleStream(lists, **settings), ExampleStream(lists, **settings, positives=True)
    lacked = 0
    for i in range(len(plain)):
        one, other = plain[i], kept[i]
        assert other.relevant.any() == lists.relevant(one.query).any()
        assert len(set(other.documents.tolist())) == len(other.documents) >= 2
        truth = dict(zip(lists.documents(one.query), lists.scores(one.query), strict=True))
        assert [truth[row] for row in other.documents] == list(other.teacher)
        lacked += one.relevant.any() != other.relevant.any()
        if batches == "overlapping":
            continue
        assert len(other.documents) == 2
        if one.relevant.any() or not lists.relevant(one.query).any():
            np.testing.assert_array_equal(one.documents, other.documents)
        else:  # one gives way to it: of the best the worst, of others one that was drawn
            gone = np.setdiff1d(one.documents, other.documents)
            assert len(gone) == 1
            if sample not in ("random", "top"):
                assert one.documents[0] == other.documents[0] != gone[0]
            elif sample == "top":
                assert truth[gone[0]] == one.teacher.min()
    assert lacked == 0 if sample in ("positive_random", "first_positive") else lacked > 0


def test_every_random_candidate_gives_way_to_the_positive_as_often() -> None:
    """A list of random ones is in the order of its candidates, whose last must not be the one that always goes."""
    scores, positives = -np.arange(5, dtype=np.float32), np.arange(5) == 4
    sampler, stayed = PlainLists(2, "random"), np.zeros(5)
    for seed in range(400):
        chosen = sampler.choose(scores, positives, np.random.default_rng(seed), positives=positives)
        assert chosen[1] == 4 and chosen[0] < 4
        stayed[chosen[0]] += 1
    assert stayed[:4].min() > 70


def test_the_first_positive_is_the_only_one_of_its_list_whatever_the_teacher_thinks() -> None:
    scores, relevant = np.array([5.0, 1.0, 4.0, 9.0, 2.0], dtype=np.float32), np.array([0, 1, 0, 1, 0], dtype=bool)
    for seed in range(20):
        chosen = PlainLists(3, "first_positive").choose(scores, relevant, np.random.default_rng(seed)).tolist()
        assert chosen[0] == 1 and len(chosen) == 3 and set(chosen[1:]) <= {0, 2, 4}
    whole = PlainLists(None, "first_positive").choose(scores, relevant, np.random.default_rng(0))
    assert sorted(whole.tolist()) == [0, 1, 2, 4]
    # Where none is judged, the teacher's best comes first, as in top_random.
    assert PlainLists(2, "first_positive").choose(scores, relevant & False, np.random.default_rng(0))[0] == 3


def test_the_best_stands_for_a_positive_that_is_not_judged(lists: ExampleLists) -> None:
    settings: dict[str, Any] = {"epochs": 2, "queries_per_step": 3, "samplers": [PlainLists(2, "random")]}
    for pseudo in (True, "always"):
        examples = ExampleStream(lists, **settings, positives=True, pseudo_positives=pseudo)
        for i in range(len(examples)):
            scores, judged = lists.scores(examples[i].query), lists.relevant(examples[i].query)
            wanted = scores[judged].max() if judged.any() and pseudo is True else scores.max()
            assert wanted in examples[i].teacher


def test_graded_lists_hold_a_positive_wherever_it_ranks() -> None:
    scores, positives = -np.arange(30, dtype=np.float32), np.zeros(30, dtype=bool)
    positives[[20, 25]] = True
    # Where judged ones stand first there is nothing to do, unless there is no top group.
    for sampler in (GradedLists(4, 2, 2, first="teacher"), GradedLists(4, 0, 0, first="teacher"), GradedLists(0, 4, 4)):
        for seed in range(20):
            chosen = sampler.choose(scores, positives, np.random.default_rng(seed), positives=positives)
            assert positives[chosen].any() and len(set(chosen.tolist())) == sampler.size
            head = [*range(sampler.top)] if sampler.top < sampler.size else [0, 1, 2, 20]
            assert chosen[: sampler.top].tolist() == head
    judged_first = GradedLists(4, 2, 2)
    drawn = [judged_first.choose(scores, positives, np.random.default_rng(1), positives=p) for p in (None, positives)]
    assert drawn[0].tolist() == drawn[1].tolist()


def test_documents_of_pairs_leave_the_positive_its_place(lists: ExampleLists) -> None:
    index = np.repeat(np.arange(12), 2)
    nothing = np.full(24, np.nan, dtype=np.float32)
    pairs = PairLists(Pairs(index, np.tile([1, 2], 12), np.tile([2, 3], 12), np.zeros(24, dtype=np.float32), nothing))
    settings: dict[str, Any] = {"epochs": 1, "queries_per_step": 3, "samplers": [PlainLists(3)], "signals": [pairs]}
    without, kept = ExampleStream(lists, **settings), ExampleStream(lists, **settings, positives=True)
    assert not any(without[i].relevant.any() for i in range(12))
    for i in range(12):
        assert kept[i].relevant.any() == lists.relevant(kept[i].query).any()
        assert len(kept[i].signals["pairs"].places) >= 1


def test_who_needs_positives() -> None:
    def needed(objective: Any, pseudo_positives: Any = False) -> bool:
        (signal,) = of_objective(parse_objective(objective), pseudo_positives)
        training = ScoresTraining(parse_objective(objective), pseudo_positives)
        assert training.needs_positive == signal.needs_positive and training.compares == signal.compares
        return signal.needs_positive

    for objective in ("ckl", "info_nce", {"kl": 1.0, "info_nce": 0.1}, {"ranknet": 1.0, "ckl": 1.0}):
        assert needed(objective) and needed(objective, True)
        assert not needed(objective, "always")  # as PairDistill has it: the best of each list, whatever is judged
    for objective in ("kl", "margin_mse", "ranknet", "lambda_mrr", "pair_kl", {"kl": 1.0, "pair_kl": 3.0}):
        assert not needed(objective)
