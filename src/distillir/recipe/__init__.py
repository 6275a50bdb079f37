"""The recipe: the YAML a user writes, validated before anything is loaded."""

from distillir.recipe.read import parse_recipe, read_recipe
from distillir.recipe.recipe import (
    RECIPE_FILE,
    AlsoSpec,
    CandidatesSpec,
    EvaluationSpec,
    GuardSpec,
    QueriesSpec,
    Recipe,
    default_output,
)

__all__ = [
    "RECIPE_FILE",
    "AlsoSpec",
    "CandidatesSpec",
    "EvaluationSpec",
    "GuardSpec",
    "QueriesSpec",
    "Recipe",
    "default_output",
    "parse_recipe",
    "read_recipe",
]
