import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.plans.example_stream import ExampleStream
from distillir.plans.overlap import Overlap
from distillir.plans.plain_lists import PlainLists
from example_lists import ExampleLists


@pytest.fixture
def lists(tiny: Collection) -> ExampleLists:
    return ExampleLists(tiny)


def test_every_query_comes_once_an_epoch(lists: ExampleLists) -> None:
    examples = ExampleStream(lists, epochs=2, queries_per_step=4, samplers=[PlainLists(None)])
    assert len(examples) == 24
    for epoch in range(2):
        assert sorted(examples[epoch * 12 + i].query for i in range(12)) == list(range(12))
    assert [examples[i].query for i in range(12)] != [examples[12 + i].query for i in range(12)]


def test_a_example_does_not_depend_on_what_was_read_before(lists: ExampleLists) -> None:
    one = ExampleStream(lists, epochs=3, queries_per_step=4, samplers=[PlainLists(3)], seed=5)
    forwards = [one[i] for i in range(len(one))]
    other = ExampleStream(lists, epochs=3, queries_per_step=4, samplers=[PlainLists(3)], seed=5)
    for i in reversed(range(len(other))):
        assert other[i].query == forwards[i].query
        np.testing.assert_array_equal(other[i].documents, forwards[i].documents)


def test_seeds_differ(lists: ExampleLists) -> None:
    orders = {
        tuple(
            ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(3)], seed=s)[i].query
            for i in range(12)
        )
        for s in range(3)
    }
    assert len(orders) == 3


def test_signals_stay_with_their_documents(lists: ExampleLists) -> None:
    for sample in ("top", "random", "top_random"):
        examples = ExampleStream(lists, epochs=1, queries_per_step=1, samplers=[PlainLists(3, sample)])
        for i in range(len(examples)):
            example = examples[i]
            truth = dict(zip(lists.documents(example.query), lists.scores(example.query), strict=True))
            assert len(set(example.documents)) == len(example.documents) == 3
            assert [truth[d] for d in example.documents] == list(example.teacher)


def test_samples_choose_what_they_say(lists: ExampleLists) -> None:
    top = ExampleStream(lists, epochs=1, queries_per_step=1, samplers=[PlainLists(2, "top")])
    mixed = ExampleStream(lists, epochs=1, queries_per_step=1, samplers=[PlainLists(2, "top_random")])
    for i in range(12):
        scores = lists.scores(top[i].query)
        assert sorted(top[i].teacher, reverse=True) == sorted(scores, reverse=True)[:2]
        assert mixed[i].teacher[0] == lists.scores(mixed[i].query).max()


def test_strata_cover_the_range_of_scores() -> None:
    generator = np.random.default_rng(0)
    relevant = np.zeros(102, dtype=bool)
    # Nearly all candidates lie at the bottom, as a cross-encoder has it; two in the middle.
    scores = np.concatenate([[10.0], [5.5, 4.0], np.linspace(-8, -7, 99)]).astype(np.float32)
    seen: set[int] = set()
    for _ in range(30):
        chosen = PlainLists(7, "stratified").choose(scores, relevant, generator)
        assert chosen[0] == 0 and len(set(chosen.tolist())) == 7
        assert {1, 2} <= set(chosen.tolist())
        seen |= set(chosen.tolist())
    assert len(seen) > 30
    tied = PlainLists(4, "stratified").choose(np.zeros(9, np.float32), relevant[:9], generator)
    assert len(set(tied.tolist())) == 4
    assert sorted(PlainLists(3, "stratified").choose(scores[:3], relevant[:3], generator)) == [0, 1, 2]


def test_the_stream_is_cut_to_whole_steps(lists: ExampleLists) -> None:
    assert len(ExampleStream(lists, epochs=2.5, queries_per_step=8, samplers=[PlainLists(None)])) == 24
    with pytest.raises(DistillirError, match="fewer than one step"):
        ExampleStream(lists, epochs=1, queries_per_step=16, samplers=[PlainLists(None)])


def test_lists_of_one_teach_nothing(lists: ExampleLists) -> None:
    lists._documents = [d[:1] for d in lists._documents]
    with pytest.raises(DistillirError, match="two candidates"):
        ExampleStream(lists, epochs=1, queries_per_step=1, samplers=[PlainLists(None)])


def test_the_judged_positive_is_kept(lists: ExampleLists) -> None:
    examples = ExampleStream(lists, epochs=1, queries_per_step=1, samplers=[PlainLists(2, "positive_random")])
    judged = 0
    for i in range(len(examples)):
        example = examples[i]
        everything = lists.relevant(example.query)
        judged += int(everything.any())
        assert example.relevant[0] == everything.any()
        if not everything.any():
            assert example.teacher[0] == lists.scores(example.query).max()
        assert len(set(example.documents)) == 2
    assert judged


def test_overlapping_batches_compare_what_a_step_encodes(lists: ExampleLists) -> None:
    settings = {"epochs": 2.5, "queries_per_step": 5, "samplers": [PlainLists(3)], "batches": "overlapping"}
    examples = ExampleStream(lists, **settings)  # type: ignore[arg-type]
    shuffled = ExampleStream(lists, **{**settings, "batches": "shuffled"})  # type: ignore[arg-type]
    for epoch in range(2):
        assert sorted(examples[epoch * 12 + i].query for i in range(12)) == list(range(12))
    pairs, encoded = [], []
    for stream in (examples, shuffled):
        steps = [[stream[step * 5 + i] for i in range(5)] for step in range(len(stream) // 5)]
        pairs.append(sum(len(example.documents) for step in steps for example in step))
        encoded.append(sum(len({row for example in step for row in example.documents}) for step in steps))
    assert pairs[0] > pairs[1]
    assert pairs[0] / encoded[0] > pairs[1] / encoded[1]
    for i in range(5):
        pool = np.unique(np.concatenate([examples[j].documents for j in range(5)]))
        own = lists.documents(examples[i].query)
        np.testing.assert_array_equal(examples[i].documents, own[np.isin(own, pool)])
        truth = dict(zip(own, lists.scores(examples[i].query), strict=True))
        assert [truth[row] for row in examples[i].documents] == examples[i].teacher.tolist()


def test_overlapping_examples_do_not_depend_on_what_was_read_before(lists: ExampleLists) -> None:
    settings = {"epochs": 3, "queries_per_step": 5, "samplers": [PlainLists(3)], "batches": "overlapping", "seed": 5}
    one, other = ExampleStream(lists, **settings), ExampleStream(lists, **settings)  # type: ignore[arg-type]
    forwards = [one[i] for i in range(len(one))]
    for i in reversed(range(len(other))):
        assert other[i].query == forwards[i].query
        np.testing.assert_array_equal(other[i].documents, forwards[i].documents)


def test_related_queries_share_a_run() -> None:
    documents = [np.arange(10) + 100 * (i % 3) for i in range(12)]
    order = Overlap(documents).order(4, np.random.default_rng(0))
    assert [{int(i) % 3 for i in order[start : start + 4]} for start in (0, 4, 8)].count({0}) == 1
    assert all(len({int(i) % 3 for i in order[start : start + 4]}) == 1 for start in (0, 4, 8))
    assert sorted(order.tolist()) == list(range(12))
