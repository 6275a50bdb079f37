"""What is searched of a recipe, and the recipes that drawn values stand for."""

from typing import Any

import pytest

from distillir.base.errors import DistillirError
from distillir.composition.settled import Settled, settle
from distillir.recipe import Recipe
from distillir.recipe.read import parse_recipe
from distillir.tuning.budget import TrialBudget, expected, work
from distillir.tuning.key import choice, number
from distillir.tuning.space import NAMES, Space, build_space, check_tunable
from distillir.tuning.study import Tried

SUGGESTED = Settled(0.5, 0.05, 1e-4)


def _recipe(**changes: Any) -> Recipe:
    return parse_recipe({"collection": "stdlib", "teacher": "bm25", "student": "all-MiniLM-L6-v2", **changes})


def _space(recipe: Recipe, only: list[str] | None = None, **changes: Any) -> Space:
    sizes = {"longest": 50, "lists": 400, "judged": True, **changes}
    return build_space(settle(recipe, SUGGESTED), SUGGESTED, only=only, **sizes)


def test_the_default_recipe_is_searched_in_every_key_and_its_own_values_are_the_recipe() -> None:
    space = _space(_recipe())
    assert tuple(key.name for key in space.keys) == NAMES and not space.left_out
    assert space.recipe(space.own) is space.base and space.changes(space.own) == {}
    assert space.own["teacher_temperature"] == 1.0 and space.own["learning_rate"] == 1.0
    told = {key.name: key.range() for key in space.keys}
    assert told["teacher_temperature"] == "0.05 to 1 (log)" and told["learning_rate"] == "2.5e-05 to 0.0004 (log)"
    assert told["candidates_per_query"] == "4, 8, 16" and told["epochs"] == "1, 2, 4" and told["info_nce"] == "0 to 2"


def test_drawn_values_are_a_recipe() -> None:
    space = _space(_recipe())
    drawn = {
        **{"teacher_temperature": 0.4, "student_temperature": 2.0, "info_nce": 0.5, "learning_rate": 2.0},
        **{"sample": "top_random", "in_batch": False, "epochs": 4.0, "candidates_per_query": 16},
    }
    recipe = space.recipe(drawn)
    assert recipe.objective == {
        "kl": {"weight": 1.0, "student_temperature": 0.1, "teacher_temperature": 0.2, "own_list": False},
        "info_nce": {"weight": 0.5, "temperature": 0.1, "own_negatives": True},
    }
    training = recipe.training
    assert (training.learning_rate, training.sample, training.in_batch) == (2e-4, "top_random", False)
    assert (training.epochs, training.candidates_per_query) == (4.0, 16)
    assert space.changes(drawn)["objective.teacher_temperature"] == "0.2"
    without = space.recipe({**space.own, "info_nce": 0.004})
    assert list(without.objective) == ["kl"]
    assert without.training == space.base.training


def test_a_range_holds_the_recipes_own_value() -> None:
    kl = {"kl": {"student_temperature": 0.05, "teacher_temperature": 4.0}}
    training = {"learning_rate": 1e-5, "epochs": 3, "candidates_per_query": None, "sample": "random", "in_batch": "all"}
    space = _space(_recipe(objective=kl, training=training))
    by_name = {key.name: key for key in space.keys}
    assert by_name["teacher_temperature"].high == 8.0 and by_name["learning_rate"].low == pytest.approx(0.1)
    assert by_name["epochs"].values == (1.0, 2.0, 3.0, 4.0)
    assert by_name["candidates_per_query"].values == (4, 8, 16, None)
    assert by_name["in_batch"].values == (False, True, "all")
    assert by_name["sample"].values == ("positive_random", "top_random", "random")
    assert space.own["info_nce"] == 0.0 and space.recipe(space.own) is space.base
    added = space.recipe({**space.own, "info_nce": 1.0})
    assert added.objective["info_nce"]["temperature"] == 0.05
    for key in space.keys:
        assert key.distribution()._contains(key.distribution().to_internal_repr(key.own))


def test_keys_that_a_recipe_does_not_have_are_told() -> None:
    space = _space(_recipe(objective="margin_mse"), judged=False, longest=3, lists=16)
    assert set(space.left_out) == {"teacher_temperature", "info_nce", "in_batch", "candidates_per_query"}
    assert "margins" in space.left_out["in_batch"]
    alone = _space(_recipe(objective="info_nce"))
    assert "all that is compared" in alone.left_out["info_nce"]
    short = _space(_recipe(training={"queries_per_step": 16}), lists=10)
    assert next(key for key in short.keys if key.name == "epochs").values == (2.0, 4.0)
    with pytest.raises(DistillirError, match="teacher_temperature: the objective has none; leave it out"):
        _space(_recipe(objective="margin_mse"), ["teacher_temperature"])
    with pytest.raises(DistillirError, match="did you mean 'epochs'"):
        _space(_recipe(), ["epoch"])
    assert [key.name for key in _space(_recipe(), ["epochs", "sample"]).keys] == ["sample", "epochs"]


def test_recipes_of_several_stages_are_refused() -> None:
    with pytest.raises(DistillirError, match="only one stage of plain lists is searched"):
        check_tunable(_recipe(method="cl-drd"))
    with pytest.raises(DistillirError, match="has dark examples"):
        check_tunable(_recipe(method={"name": "kl", "dark": True}))
    check_tunable(_recipe())


def test_parts_of_a_range() -> None:
    key = number("x", "x", 1.0, 0.125, 8.0, scale=2.0)
    assert key.parts() == ["0.25 to 1", "1 to 4", "4 to 16"]
    assert [key.part(value) for value in (0.125, 0.49, 0.6, 1.9, 2.1, 8.0)] == [0, 0, 1, 1, 2, 2]
    assert [key.at_edge(value) for value in (0.125, 0.2, 1.0, 7.5)] == [True, False, False, True]
    weight = number("w", "w", 1.0, 0.0, 2.0, log=False)
    assert [weight.at_edge(value) for value in (0.0, 1.0, 1.95)] == [False, False, True]
    assert choice("y", "y", 3, (4, 2)).values == (2, 3, 4)


def test_what_a_trial_would_take() -> None:
    recipe = _recipe(training={"epochs": 2, "queries_per_step": 16, "candidates_per_query": 8})
    assert work(recipe, 160, 50) == (20, 8) and work(recipe, 160, 5) == (20, 5)
    half = Tried(0, {}, True, "pruned", 0.5, 8.0, 10, 5, "", 0)
    assert expected((20, 8), [(half, 8)]) == pytest.approx(16.0)
    assert expected((40, 4), [(half, 8)]) == pytest.approx(16.0)
    assert expected((40, 4), []) == 0.0
    times = iter([100.0, 130.0, 190.0])
    budget = TrialBudget(90, 20, lambda: next(times))
    assert budget.left == 40.0 and budget.left == 0.0
