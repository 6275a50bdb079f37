"""Whatever stands in a recipe, a comparison or a setting: it is read, or refused in one line."""

import copy
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from mutations import PIECES, STRANGE, mutated, mutated_text, places, written

from distillir.base.errors import DistillirError
from distillir.comparison.file import read_comparison
from distillir.composition.compose import compose
from distillir.evaluation.measures import check_measures
from distillir.recipe import Recipe
from distillir.recipe.read import parse_recipe, read_recipe

RECIPES: list[dict[str, Any]] = [
    *(yaml.safe_load(path.read_text()) for path in sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))),
    {
        "collection": {"documents": "a.tsv", "queries": {"train": "q.tsv"}, "qrels": {"train": "x"}},
        "teacher": {"ensemble": ["bm25", {"dense": "m"}, {"cross-encoder": {"model": "x"}}], "weights": [1, 2, 3]},
        "student": {"model": "m", "kind": "sparse", "flops": {"queries": 1.0}},
        "candidates": {"from": [{"bm25": {"k1": 1.0}}, {"dense": {"model": "m", "factory": "IVF16,Flat"}}]},
    },
    {
        "collection": "stdlib",
        "teacher": "bm25",
        "student": {"model": "m", "kind": "multi-vector"},
        "candidates": {"from": [{"multi-vector": {"model": "m", "first": "bm25"}}], "guard": {"share": 0.9}},
        "method": {"name": "pairdistill", "pairs": {"teacher": {"cross-encoder": "x"}}},
        "queries": {"split": None, "generated": 3, "generator": {"server": "http://x", "model": "y"}},
    },
    {
        "collection": "stdlib",
        "teacher": "bm25",
        "student": "m",
        "method": {"name": "cl-drd", "plan": [{"lists": {"top": 2, "hard": 1}}, {"mine": True, "objective": "kl"}]},
        "objective": {"kl": {"student_temperature": 0.05}, "info_nce": 0.5},
        "evaluation": {"split": "test", "measures": ["nDCG@10", "R@5"]},
    },
]


def read_or_refused(read: Callable[[], Any], of: object) -> Any:
    """What was read; None where it was refused in one line. Anything else is shown with what it came of."""
    try:
        return read()
    except DistillirError as error:
        assert len(str(error).splitlines()) == 1, of
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}, of {of!r}") from error
    return None


@pytest.mark.parametrize("seed", range(4))
def test_mutated_recipes_are_read_or_refused(seed: int, tmp_path: Path) -> None:
    rng, path, whole = random.Random(seed), tmp_path / "recipe.yaml", 0
    for turn in range(150):
        base = rng.choice(RECIPES)
        recipe = mutated(base, rng) if turn % 15 else base

        def read(recipe: dict[str, Any] = recipe) -> Recipe:
            found = parse_recipe(recipe)
            compose(found)
            return found

        if (found := read_or_refused(read, recipe)) is not None:
            assert parse_recipe(yaml.safe_load(yaml.safe_dump(found.resolved()))) == found, recipe
            whole += 1
        text = written(recipe) if rng.random() < 0.3 else None
        text = text or mutated_text(yaml.safe_dump(base), rng)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        read_or_refused(lambda: read_recipe(path), text)
    assert whole >= 10  # those that nothing was changed in; and many a change is none, or a good one


def test_mutated_settings_and_comparisons_are_read_or_refused(tmp_path: Path) -> None:
    rng, path = random.Random(0), tmp_path / "file.yaml"
    for _ in range(150):
        base = rng.choice(RECIPES)
        path.write_text(yaml.safe_dump(base))
        key = ".".join(map(str, rng.choice(list(places(base)))))
        setting = f"{key}={rng.choice([*map(str, STRANGE), *PIECES])}"
        read_or_refused(partial(read_recipe, path, [setting]), setting)
        comparison = {
            "recipe": base,
            "cells": {"a": {}, "b c": {"training.epochs": 2}},
            "grid": {"training.learning_rate": [1e-5, 2e-5], "objective": ["kl", {"kl": {"weight": 1}}]},
            "seeds": [0, 1],
            "baseline": None,
        }
        text = written(mutated(comparison, rng)) or mutated_text(yaml.safe_dump(comparison), rng)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        read_or_refused(lambda: read_comparison(path), text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("coll[ection: x\nteacher: bm25\nstudent: m\n", r"recipe\.yaml:1: coll\[ection: unknown key; did you mean 'co"),
        ("collection: x\nteacher: bm25\nstudent: m\nmethod: {1: 2}\n", "method: the key 1 is no text; put quotes"),
        ("collection: x\nteacher: bm25\nstudent: 2024-01-31\n", "student: 2024-01-31 is read as a date; put quotes"),
        ("collection: x\nteacher: bm25\nstudent: m\nseed: !!int x\n", "not YAML .a value is not what it is said to be"),
        (
            "collection: x\nteacher: bm25\nstudent: m\nevaluation: no\n",
            "evaluation: false: input should be a valid map",
        ),
        ("collection: x\nteacher: bm25\nstudent: m\nseed: 1000000000000000000000\n", "seed: a whole number too large"),
        ("collection: x\nteacher: bm25\nstudent: m\nmethod: {rounds: 9007199254740992}\n", "rounds: 90071992547"),
        ("collection: x\nteacher: bm25\nstudent: m\nobjective: {kl: {3: 1}}\n", "objective.kl: the key 3 is no text"),
        ('collection: x\nteacher: bm25\nstudent: "a\\0b"\n', "student: .* holds a character that no text has"),
        ("collection: x\nteacher: bm25\nstudent:\t\n  model: m\n", "recipe.yaml:3: not YAML"),
        ("teacher:\n\tdense: x\n", "recipe.yaml:2: not YAML .*; indent by blanks, not by tabs"),
        ('collection: "C:\\data"\n', "recipe.yaml:1: not YAML .*begins an escape; write paths as 'C:.data' or C:/data"),
    ],
)
def test_slips_are_told_with_their_place(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(DistillirError, match=said):
        read_recipe(path)


@pytest.mark.parametrize(
    "name",
    ["nDCG@0", "nDCG@-1", "MRR@1.5", "P@99999999999", "AP@1e3", "nDCG@True", "AP(rel=0)@10", "AP(p=0.8)", "R@", "(", "",
     "nDCG@10@5", "MAP(rel=99999999999999)", "BPM@10", "recall(gains={1:2})@5", "nDCG(__import__('os'))"],
)  # fmt: skip
def test_measures_that_cannot_be_computed_are_refused_before_anything_is(name: str) -> None:
    with pytest.raises(DistillirError, match="unknown measure"):
        check_measures([name])


def test_measures_with_parameters_that_can_be_are_taken() -> None:
    check_measures(
        ["nDCG@10", "nDCG(dcg='exp-log2')@10", "AP(rel=2)@100", "Judged@10", "MRR", "SetF(beta=0.5)", "P@1000000"]
    )


def test_mutations_leave_what_they_are_made_of_alone() -> None:
    before, rng = copy.deepcopy(RECIPES), random.Random(1)
    changed = [mutated(recipe, rng) != recipe for recipe in RECIPES * 20]
    assert before == RECIPES and sum(changed) > 0.8 * len(changed)
