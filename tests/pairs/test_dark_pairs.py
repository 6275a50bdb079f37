"""Dark examples as members of pairs: where a lesson finds them, and through a whole run."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dark_examples import make_dark_set
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.collections.joined import with_documents
from distillir.objectives.pair_kl import OBJECTIVE
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.lessons import Lessons
from distillir.plans.plain_lists import PlainLists
from distillir.signals.dark_examples.dark_lists import DarkLists
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.signals.dark_examples.training import DarkTraining
from distillir.signals.preferences.pair_lists import PairLists
from distillir.signals.preferences.pair_set import Pairs
from distillir.students.load import load_student
from distillir.training.collator import LessonCollator
from example_lists import ExampleLists


@pytest.mark.parametrize("originals", [False, True])
def test_pairs_of_dark_texts_find_them_in_the_lesson(
    tiny: Collection, tmp_path: Path, minilm_path: str, originals: bool
) -> None:
    lists = ExampleLists(tiny)
    dark = make_dark_set(tiny, lists, tmp_path / "dark")
    places = np.array([[0, k] for k in range(1, 9)] + [[2, 5]])
    known = sorted(index for index, found in dark.lists.items() if len(found.rows) >= 8)
    odds = np.linspace(-2, 2, len(places)).astype(np.float32)
    pairs = Pairs(
        np.repeat(np.array(known), len(places)),
        np.tile(places[:, 0], len(known)),
        np.tile(places[:, 1], len(known)),
        np.tile(odds, len(known)),
        np.full(len(places) * len(known), np.nan, dtype=np.float32),
    )
    found = DarkLists(dark, lists, DarkSpec(count=3, originals=originals), 62, PairLists(pairs))
    lesson = found.lesson(known[0], np.array([0, 1, 2]), 0.0, np.random.default_rng(0))
    assert lesson is not None and lesson.pairs is not None and lesson.preferences is not None
    own, rows = dark.lists[known[0]], lesson.documents
    assert len(lesson.pairs) >= 3
    for (first, second), preference in zip(lesson.pairs, lesson.preferences, strict=True):
        asked = [
            0 if row < 62 else 1 + int(np.flatnonzero(own.rows + 62 == row)[0]) for row in (rows[first], rows[second])
        ]
        assert rows[first] >= 62 or first == 0
        at = places.tolist().index(asked)
        assert preference == pytest.approx(1 / (1 + np.exp(-odds[at])))
    # They reach the objective as pairs of the dark lists alone.
    student = load_student(minilm_path, layers=1, device="cpu")
    wider = with_documents(tiny, dark.texts)
    every = np.concatenate([lists.documents(i) for i in range(len(lists.queries))] + [found.rows])
    queries = tokenise(tmp_path / "q", student, tiny.queries, lists.queries, kind="query")
    documents = tokenise(tmp_path / "d", student, wider.corpus, np.unique(every), kind="document")
    lessons = Lessons(lists, epochs=1, queries_per_step=4, forms=[PlainLists(None)], signals=[found])
    batch = [lessons[i] for i in range(4)]
    training = DarkTraining(found, parse_objective("kl"), 1.0)
    label = LessonCollator(queries, documents, budget=256, signals=[training])(batch)["label"]
    assert "pairs" not in label
    held = [one.signals["dark"] for one in batch]
    count = sum(len(one.pairs) for one in held if one is not None and one.pairs is not None)
    assert count > 0 and (label["dark"]["pairs"][:, :, 0] >= 0).sum() == count
    scores = torch.zeros(label["dark"]["mask"].shape)
    terms = OBJECTIVE.terms(scores, label["dark"], label["dark"]["mask"], {"student_temperature": 1.0})
    assert torch.isfinite(terms)
