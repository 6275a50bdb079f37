"""Dark examples: no copy of a positive is a hard negative."""

from pathlib import Path

import numpy as np

from distillir.base.arrays import Scores
from distillir.collections.known_positives import KnownPositives
from distillir.signals.dark_examples.dark_example_lists import hard_negatives
from distillir.signals.dark_examples.dark_example_set import ListDarkExamples
from distillir.signals.dark_examples.make import make_dark
from distillir.signals.dark_examples.spec import MakingSpec
from distillir.teaching.copy_aware_lists import CopyAwareLists
from same_texts import arguana


class One:
    """The list of one query: its positive, a copy of it, and a negative, which the teacher scores alike and lower."""

    def __init__(self, documents: list[int], relevant: list[bool]) -> None:
        self.queries, self._documents, self._relevant = np.array([0]), np.array(documents), np.array(relevant)

    def documents(self, index: int) -> np.ndarray:
        return self._documents

    def scores(self, index: int) -> Scores:
        return np.array([5, 5, 1], dtype=np.float32)

    def relevant(self, index: int) -> np.ndarray:
        return self._relevant


def test_reinforced_negatives_are_made_of_no_copy(tmp_path: Path) -> None:
    opened = arguana(tmp_path / "c", copy="SPENDING on bees  helps nobody, whatever towns say of bees")
    rows = opened.corpus.rows(["bees-con", "copy", "trains-con"]).tolist()
    for relevant, pseudo in (([True, False, False], False), ([False, False, False], True)):
        lists = One(rows, relevant)
        [made] = make_dark(opened, lists, MakingSpec(reinforced=8, noisy=0), pseudo_positives=pseudo)
        assert made.positive == 0 and made.texts
        # "trains" is a word of the negative alone, "SPENDING" of the copy alone.
        assert not any("SPENDING" in dark.text for dark in made.texts)
        assert any("trains" in dark.text for dark in made.texts)
        found = ListDarkExamples(0, lists.scores(0), np.array([0]), np.array([3], dtype=np.float32), ("noisy",))
        assert hard_negatives(CopyAwareLists(lists, KnownPositives(opened)), 0, found).tolist() == [1.0]
