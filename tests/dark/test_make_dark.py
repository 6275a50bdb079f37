"""Making the dark examples of whole teaching sets."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from distillir.collections import Collection
from distillir.signals.dark_examples.dark_example import Fits
from distillir.signals.dark_examples.make import Made, make_dark
from distillir.signals.dark_examples.spec import MakingSpec
from example_lists import ExampleLists


@pytest.fixture
def lists(tiny: Collection) -> ExampleLists:
    return ExampleLists(tiny)


def made(
    tiny: Collection, lists: ExampleLists, seed: int = 0, pseudo_positives: bool | str = False, **options: Any
) -> list[Made]:
    return list(make_dark(tiny, lists, MakingSpec(**options), seed=seed, pseudo_positives=pseudo_positives))


def test_lists_with_a_positive_have_both_kinds(tiny: Collection, lists: ExampleLists) -> None:
    dark = made(tiny, lists)
    assert [one.index for one in dark] == [0, 2, 4, 6, 8, 10]
    for one in dark:
        own = [tiny.corpus.text(int(row)) for row in lists.documents(one.index)]
        positive = own[one.positive]
        assert one.positive == 0
        texts = [text.text for text in one.texts]
        assert len(set(texts)) == len(texts) and not set(texts) & set(own)
        assert {text.kind for text in one.texts} == {"reinforced", "noisy"}
        for text in one.texts:
            assert all(text.text[a:b] in positive for a, b in text.injected)
            assert bool(text.injected) == (text.kind == "reinforced")


def test_they_are_the_same_again_and_do_not_depend_on_other_lists(tiny: Collection, lists: ExampleLists) -> None:
    everything = {one.index: one for one in made(tiny, lists)}
    assert everything == {one.index: one for one in made(tiny, lists)}
    lists.queries = lists.queries[4:]
    lists._documents, lists._scores = lists._documents[4:], lists._scores[4:]
    for one in made(tiny, lists):
        assert replace(one, index=one.index + 4) == everything[one.index + 4]
    assert made(tiny, lists, seed=1) != made(tiny, lists)


def test_teachers_best_may_stand_for_a_positive(tiny: Collection, lists: ExampleLists) -> None:
    dark = made(tiny, lists, pseudo_positives=True)
    assert [one.index for one in dark] == list(range(12))
    assert dark[1].positive == int(np.argmax(lists.scores(1))) and dark[2].positive == 0
    lists.scores(2)[0] = lists.scores(2).min() - 1
    always = made(tiny, lists, pseudo_positives="always", noisy=0)
    assert always[2].positive == int(np.argmax(lists.scores(2))) != 0
    # What is judged relevant is made into no negative all the same.
    start = tiny.corpus.text(int(lists.documents(2)[0]))[:20]
    assert not any(text.text.startswith(start) for text in always[2].texts)


def test_either_kind_alone_and_lists_without_negatives(tiny: Collection, lists: ExampleLists) -> None:
    assert {text.kind for one in made(tiny, lists, noisy=0) for text in one.texts} == {"reinforced"}
    assert {text.kind for one in made(tiny, lists, reinforced=0) for text in one.texts} == {"noisy"}
    lists._documents[0], lists._scores[0] = lists._documents[0][:1], lists._scores[0][:1]
    assert {text.kind for text in made(tiny, lists)[0].texts} == {"noisy"}


def test_the_part_put_in_is_read_beside_its_query(tiny: Collection, lists: ExampleLists) -> None:
    asked = []

    def fits_for(query: str) -> Fits:
        asked.append(query)
        return lambda text, end: end <= 60

    dark = list(make_dark(tiny, lists, MakingSpec(noisy=0), fits_for=fits_for))
    assert asked == [tiny.queries.text(int(lists.queries[one.index])) for one in dark]
    assert all(b <= 60 for one in dark for text in one.texts for _, b in text.injected)


def test_kinds_do_not_disturb_each_other(tiny: Collection, lists: ExampleLists) -> None:
    def texts(kind: str, **options: Any) -> list[list[str]]:
        return [[text.text for text in one.texts if text.kind == kind] for one in made(tiny, lists, **options)]

    assert texts("noisy") == texts("noisy", reinforced=0) == texts("noisy", reinforced=3)
    assert texts("reinforced") == texts("reinforced", noisy=0)


def test_texts_that_are_read_alike_are_one(tiny: Collection, lists: ExampleLists) -> None:
    """A student that reads ten characters tells few texts apart, and none from the passages they are made of."""
    everything = list(make_dark(tiny, lists, MakingSpec(), key=lambda text: text[:10]))
    for one in everything:
        read = [text.text[:10] for text in one.texts]
        assert len(set(read)) == len(read)
        assert tiny.corpus.text(int(lists.documents(one.index)[one.positive]))[:10] not in read
    assert sum(len(one.texts) for one in everything) < sum(len(one.texts) for one in made(tiny, lists))
