"""Recipes that are refused when they are read."""

from typing import Any

import pytest

from distillir.base.errors import DistillirError
from distillir.recipe.read import parse_recipe


def refused_in_a_line(recipe: dict[str, Any], said: str) -> None:
    """Check that a recipe is refused when it is read, in one line that says so."""
    with pytest.raises(DistillirError) as told:
        parse_recipe(recipe)
    assert said in str(told.value) and "\n" not in str(told.value)
