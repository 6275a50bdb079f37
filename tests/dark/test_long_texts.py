"""Dark examples of long passages: made of what the student reads, in the time that short ones take."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from distillir.collections import Collection
from distillir.signals.dark_examples.make import Made, make_dark
from distillir.signals.dark_examples.prepare import dark_readers
from distillir.signals.dark_examples.spec import MakingSpec
from distillir.students.dense.kind import DENSE
from example_lists import ExampleLists


class Long:
    """A collection of which all texts go on and on."""

    def __init__(self, collection: Collection, tail: str) -> None:
        self.queries = collection.queries
        own = collection.corpus
        self.corpus: Any = SimpleNamespace(text=lambda row: own.text(row) + tail, id=own.id)


def made(collection: Any, lists: ExampleLists, **options: Any) -> list[Made]:
    return list(make_dark(collection, lists, MakingSpec(reinforced=4, noisy=4), **options))


def test_of_beginnings_the_same_is_made_whatever_follows(tiny: Collection) -> None:
    lists = ExampleLists(tiny)
    found = made(Long(tiny, " and so on" * 300_000), lists, beginning=lambda text: text.split(" and so on")[0])
    assert found == made(tiny, lists) and len(found) == 6


def test_what_is_given_to_the_models_is_bounded(tiny: Collection, whole_minilm: str, monkeypatch: Any) -> None:
    """A student of 256 tokens and 3 MB, or one endless word: pages are tokenised, and what is made fits."""
    from sentence_transformers import SentenceTransformer

    student = SentenceTransformer(whole_minilm, device="cpu")
    monkeypatch.setattr("distillir.students.load.load_student_of", lambda *_, **__: student)
    recipe = SimpleNamespace(student=SimpleNamespace(own_kind=DENSE), training=SimpleNamespace(max_length=None))
    folder: Any = SimpleNamespace(recipe=recipe, initial_student=Path("x"))
    longest = 0

    def reads(query: str, document: str) -> bool:
        nonlocal longest
        longest = max(longest, len(document))
        return True

    fits_for, key, beginning = dark_readers(folder, SimpleNamespace(reads=reads))  # type: ignore[arg-type]
    for tail in (" and so on" * 300_000, "a" * 3_000_000):
        lists = ExampleLists(tiny)
        lists.queries = lists.queries[:1]
        found = made(Long(tiny, tail), lists, fits_for=fits_for, key=key, beginning=beginning)
        assert len(found) == 1 and len(found[0].texts) > 4
        assert all(key(text.text[: text.injected[0][1]]) for text in found[0].texts if text.injected)
    assert 0 < longest < 60_000


def test_passages_that_are_read_whole_stay_as_they_are(tiny: Collection) -> None:
    lists = ExampleLists(tiny)
    assert [replace(one) for one in made(tiny, lists, beginning=lambda text: text[:100_000])] == made(tiny, lists)
