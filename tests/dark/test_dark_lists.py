"""Dark lists: what a lesson holds beside its list, and whose the gate lets through."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dark_examples import make_dark_set
from distillir.collections import Collection
from distillir.plans.lessons import Lessons
from distillir.plans.plain_lists import PlainLists
from distillir.signals.dark_examples.dark_lists import DarkLesson, DarkLists
from distillir.signals.dark_examples.dark_set import DarkSet
from distillir.signals.dark_examples.diagnostics import diagnose_dark
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.signals.dark_examples.training import gate_shares
from example_lists import ExampleLists


@pytest.fixture
def lists(tiny: Collection) -> ExampleLists:
    return ExampleLists(tiny)


@pytest.fixture
def dark(tiny: Collection, lists: ExampleLists, tmp_path: Path) -> DarkSet:
    return make_dark_set(tiny, lists, tmp_path)


def _lists(dark: DarkSet, lists: ExampleLists, **spec: Any) -> DarkLists:
    return DarkLists(dark, lists, DarkSpec(**spec), 62)


def _lesson(found: DarkLists, index: int, chosen: list[int] | None = None, seed: int = 0) -> DarkLesson:
    lesson = found.lesson(index, np.array(chosen or [1, 2]), 0.0, np.random.default_rng(seed))
    assert lesson is not None
    return lesson


def test_a_dark_lesson_is_the_positive_and_what_fills_the_gap(dark: DarkSet, lists: ExampleLists) -> None:
    for index in (0, 4):
        lesson = _lesson(_lists(dark, lists, count=3), index)
        assert lesson.documents[0] == lists.documents(index)[0] and (lesson.documents[1:] >= 62).all()
        best = lists.scores(index)[1:].max()
        assert (lesson.teacher[1:] > best).all() and (lesson.teacher[1:] < lesson.teacher[0]).all()
        assert lesson.relevant.tolist() == [True] + [False] * (len(lesson.relevant) - 1)
        rows = dark.lists[index].rows[np.isin(dark.lists[index].scores, lesson.teacher[1:])] + 62
        assert np.array_equal(np.sort(lesson.documents[1:]), np.sort(rows))


def test_the_lessons_candidates_join_where_they_are_wanted(dark: DarkSet, lists: ExampleLists) -> None:
    lesson = _lesson(_lists(dark, lists, originals=True), 2, [0, 1, 3])
    assert lesson.documents[:3].tolist() == lists.documents(2)[[0, 1, 3]].tolist()
    assert lesson.teacher[:3].tolist() == lists.scores(2)[[0, 1, 3]].tolist()


def test_kinds_guard_and_random_choice(dark: DarkSet, lists: ExampleLists) -> None:
    noisy = _lists(dark, lists, kinds=["noisy"], choice="random", drop_above=False, count=99)
    kinds = np.array(dark.lists[0].kinds)
    assert sorted(noisy.choose(0, np.random.default_rng(0)).tolist()) == np.flatnonzero(kinds == "noisy").tolist()
    guarded = _lists(dark, lists, choice="random", count=99)
    assert (_lesson(guarded, 0).teacher[1:] <= 6.0).all()
    drawn = _lists(dark, lists, choice="random", count=2, drop_above=False)
    assert len({tuple(drawn.choose(0, np.random.default_rng(seed))) for seed in range(8)}) > 1
    assert len({tuple(_lists(dark, lists).choose(0, np.random.default_rng(seed))) for seed in range(8)}) == 1


def test_lists_without_a_positive_have_no_dark_lesson(dark: DarkSet, lists: ExampleLists) -> None:
    found = _lists(dark, lists)
    assert found.lesson(1, np.array([0, 1]), 0.0, np.random.default_rng(0)) is None
    assert not found.open(1, 0.0) and found.lets_list_through(1, 0.0)


def test_the_gate_follows_confidence_and_schedule(dark: DarkSet, lists: ExampleLists) -> None:
    quantile = _lists(dark, lists, gate={"schedule": "quantile", "start": 0.5, "end": 1.0})
    order = sorted(dark.lists, key=lambda index: -quantile.confidences[index])
    assert [quantile.open(index, 0.0) for index in order] == [True] * 3 + [False] * 3
    assert all(quantile.open(index, 1.0) for index in order)
    strict = _lists(dark, lists, gate={"schedule": "constant", "start": 2.0, "lists": True})
    assert not any(strict.open(index, 0.5) or strict.lets_list_through(index, 0.5) for index in order)
    assert all(_lists(dark, lists, gate=None).open(index, 0.0) for index in order)
    # What the paper calls confident: the positive's share of the softmax.
    scores = lists.scores(order[0]).astype(np.float64)
    assert quantile.confidences[order[0]] == pytest.approx(np.exp(scores[0]) / np.exp(scores).sum())


def test_lessons_hold_them_and_count_what_the_gate_let_through(dark: DarkSet, lists: ExampleLists) -> None:
    gate = {"schedule": "quantile", "start": 0.3, "end": 1.0}
    found = _lists(dark, lists, gate=gate, count=2)
    lessons = Lessons(lists, epochs=3, queries_per_step=4, forms=[PlainLists(3)], signals=[found])
    counted: dict[int, list[bool]] = {}
    for position in range(len(lessons)):
        lesson = lessons[position]
        has = lesson.query % 2 == 0
        assert (lesson.signals["dark"] is not None) == has and lesson.open
        if lesson.signals["dark"] is not None:
            assert len(lesson.signals["dark"].documents) <= 3
            counted.setdefault(position // 12, []).append(lesson.signals["dark"].open)
    assert gate_shares(found, lessons) == [(len(flags), sum(flags) / len(flags)) for flags in counted.values()]
    assert gate_shares(found, lessons)[0][1] < gate_shares(found, lessons)[2][1]
    plain = Lessons(lists, epochs=3, queries_per_step=4, forms=[PlainLists(3)])
    assert all(np.array_equal(plain[i].documents, lessons[i].documents) for i in range(len(plain)))


def test_lists_count_where_a_dark_text_fits(dark: DarkSet, lists: ExampleLists) -> None:
    """Those whose texts all lie outside the gap have none, whatever was made of them."""
    for index in (0, 2):
        dark.lists[index] = replace(dark.lists[index], scores=np.full_like(dark.lists[index].scores, 7.0))
    found = _lists(dark, lists, gate={"schedule": "quantile", "start": 0.5, "end": 0.5})
    assert set(found.confidences) == {4, 6, 8, 10} and sum(found.open(i, 0.0) for i in dark.lists) == 2
    lessons = Lessons(lists, epochs=1, queries_per_step=4, forms=[PlainLists(3)], signals=[found])
    assert gate_shares(found, lessons) == [(4, 0.5)]
    assert diagnose_dark(found).without == pytest.approx(2 / 6)


def test_figures_by_hand(dark: DarkSet, lists: ExampleLists) -> None:
    found = diagnose_dark(_lists(dark, lists, count=2))
    assert found.lists == 6 and found.positive == 6.0
    negatives = np.concatenate([lists.scores(i)[1:] for i in (0, 2, 4, 6, 8, 10)])
    assert found.negative == pytest.approx(float(negatives.mean()))
    above = [dark.lists[i].scores > 6.0 for i in dark.lists]
    made = sum(kind.made for kind in found.kinds.values())
    assert made == len(dark.texts)
    assert sum(kind.above * kind.made for kind in found.kinds.values()) == pytest.approx(sum(a.sum() for a in above))
    entropies = []
    for i in dark.lists:
        weights = np.exp(lists.scores(i).astype(np.float64))
        weights /= weights.sum()
        entropies.append(-(weights * np.log(weights)).sum())
    assert found.nats["candidates"] == pytest.approx(np.mean(entropies))
    sizes = [len(lists.scores(i)) for i in dark.lists]
    assert found.entropy["candidates"] == pytest.approx(np.mean(np.array(entropies) / np.log(sizes)))
    assert found.nats["with_dark"] > found.nats["candidates"]
    assert {dark.lists[i].kinds[place] for i, place in found.examples} <= {"noisy", "reinforced"}
    assert diagnose_dark(_lists(dark, lists, gate={"schedule": "constant", "start": 2.0})).opened == [0.0, 0.0]
