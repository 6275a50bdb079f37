"""Lists without a judged positive, where an objective compares one, are told before training."""

from pathlib import Path
from typing import Any

import pytest

from distillir.collections import Collection
from distillir.composition.compose import compose
from distillir.pipeline.checks import check_lists
from distillir.recipe.read import parse_recipe
from distillir.teaching.teaching_set import open_teaching_set
from distillir.teaching.writer import build_teaching_set
from example_lists import ExampleLists


@pytest.mark.parametrize(
    ("objective", "pseudo", "said"),
    [
        ("info_nce", False, "6 of 12 lists hold no judged positive: info_nce learns nothing from them (candidates.add"),
        ({"ckl": 1.0, "kl": 1.0}, False, "6 of 12 lists hold no judged positive: ckl takes all of their candidates"),
        ("ckl", True, ""),
        ("kl", False, ""),
    ],
)
def test_how_many_they_are_is_told(
    objective: Any, pseudo: bool, said: str, tiny: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = ExampleLists(tiny)
    documents, scores = [lists.documents(i) for i in range(12)], [lists.scores(i) for i in range(12)]
    relevant = [lists.relevant(i) for i in range(12)]
    build_teaching_set(tiny, lists.queries, documents, scores, relevant, {}, tmp_path / "teaching")
    recipe = {"collection": str(tiny.path), "teacher": "bm25", "student": {"model": "any"}, "objective": objective}
    recipe["training"] = {"queries_per_step": 4, "pseudo_positives": pseudo}
    check_lists(compose(parse_recipe(recipe)), open_teaching_set(tmp_path / "teaching", tiny))
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith(said) and bool(told) == bool(said)
