"""A teacher whose order is chance is told of where nothing else says what is better."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distillir.base.progress import console
from distillir.collections import Collection
from distillir.pipeline.checks import check_teaching
from distillir.pipeline.first_stage_agreement import place_of_best
from distillir.pipeline.open_run import open_run
from distillir.recipe.read import parse_recipe
from distillir.teaching.teaching_set import TeachingSet
from distillir.teaching.writer import build_teaching_set

DEPTH = 12


def _taught(tiny: Collection, folder: Path, shuffled: bool, judged: bool = False) -> TeachingSet:
    """All queries with lists of their own, by a teacher that agrees with the mined order, or draws lots."""
    draw = np.random.default_rng(0)
    count = len(tiny.queries)
    lists = [draw.permutation(len(tiny.corpus))[:DEPTH] for _ in range(count)]
    falling = np.linspace(1, 0, DEPTH, dtype=np.float32)
    scores = [draw.permutation(falling) if shuffled else falling for _ in lists]
    relevant = [np.arange(DEPTH) == (0 if judged else DEPTH) for _ in lists]
    return build_teaching_set(tiny, np.arange(count), lists, scores, relevant, {}, folder)


def test_place_of_the_best(tiny: Collection, tmp_path: Path) -> None:
    assert len(tiny.queries) >= 24
    assert place_of_best(_taught(tiny, tmp_path / "agrees", shuffled=False)) == 0
    lots = place_of_best(_taught(tiny, tmp_path / "lots", shuffled=True))
    assert lots is not None and 0.4 < lots < 0.6


@pytest.mark.parametrize(
    ("shuffled", "judged", "more", "warns"),
    [
        (True, False, {}, True),
        (False, False, {}, False),
        (True, True, {}, False),
        (True, False, {"training": {"select": "none"}}, False),
        (True, False, {"method": "kl"}, False),
    ],
    ids=["lots", "agrees", "judged", "not chosen", "kl"],
)
def test_only_the_default_without_judgements_warns(
    shuffled: bool, judged: bool, more: dict[str, Any], warns: bool, tiny: Collection, tiny_beir: Path, tmp_path: Path
) -> None:
    value: dict[str, Any] = {"collection": str(tiny_beir), "teacher": "bm25", "student": "all-MiniLM-L6-v2"}
    value |= {"evaluation": {"split": "test"}, **more}
    with open_run(tmp_path / "run", parse_recipe(value)) as folder:
        _taught(folder.collection, folder.teaching, shuffled, judged)
        with console.capture() as captured:
            check_teaching(folder, folder.teaching)
    assert ("nothing says that a student of it will gain" in " ".join(captured.get().split())) == warns
