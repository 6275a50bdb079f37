import numpy as np
import pytest
from lists import ExampleLists
from training_fixtures import lists  # noqa: F401

from distillir.errors import DistillirError
from distillir.training.lessons import Lessons


def test_every_query_comes_once_an_epoch(lists: ExampleLists) -> None:
    lessons = Lessons(lists, epochs=2, queries_per_step=4, candidates=None)
    assert len(lessons) == 24
    for epoch in range(2):
        assert sorted(lessons[epoch * 12 + i].query for i in range(12)) == list(range(12))
    assert [lessons[i].query for i in range(12)] != [lessons[12 + i].query for i in range(12)]


def test_a_lesson_does_not_depend_on_what_was_read_before(lists: ExampleLists) -> None:
    one = Lessons(lists, epochs=3, queries_per_step=4, candidates=3, seed=5)
    forwards = [one[i] for i in range(len(one))]
    other = Lessons(lists, epochs=3, queries_per_step=4, candidates=3, seed=5)
    for i in reversed(range(len(other))):
        assert other[i].query == forwards[i].query
        np.testing.assert_array_equal(other[i].documents, forwards[i].documents)


def test_seeds_differ(lists: ExampleLists) -> None:
    orders = {
        tuple(Lessons(lists, epochs=1, queries_per_step=4, candidates=3, seed=s)[i].query for i in range(12))
        for s in range(3)
    }
    assert len(orders) == 3


def test_signals_stay_with_their_documents(lists: ExampleLists) -> None:
    for sample in ("top", "random", "top_random"):
        lessons = Lessons(lists, epochs=1, queries_per_step=1, candidates=3, sample=sample)
        for i in range(len(lessons)):
            lesson = lessons[i]
            truth = dict(zip(lists.documents(lesson.query), lists.scores(lesson.query), strict=True))
            assert len(set(lesson.documents)) == len(lesson.documents) == 3
            assert [truth[d] for d in lesson.documents] == list(lesson.teacher)


def test_samples_choose_what_they_say(lists: ExampleLists) -> None:
    top = Lessons(lists, epochs=1, queries_per_step=1, candidates=2, sample="top")
    mixed = Lessons(lists, epochs=1, queries_per_step=1, candidates=2, sample="top_random")
    for i in range(12):
        scores = lists.scores(top[i].query)
        assert sorted(top[i].teacher, reverse=True) == sorted(scores, reverse=True)[:2]
        assert mixed[i].teacher[0] == lists.scores(mixed[i].query).max()


def test_the_stream_is_cut_to_whole_steps(lists: ExampleLists) -> None:
    assert len(Lessons(lists, epochs=2.5, queries_per_step=8, candidates=None)) == 24
    with pytest.raises(DistillirError, match="fewer than one step"):
        Lessons(lists, epochs=1, queries_per_step=16, candidates=None)


def test_lists_of_one_teach_nothing(lists: ExampleLists) -> None:
    lists._documents = [d[:1] for d in lists._documents]
    with pytest.raises(DistillirError, match="two candidates"):
        Lessons(lists, epochs=1, queries_per_step=1, candidates=None)
