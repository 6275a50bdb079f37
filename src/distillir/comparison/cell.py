"""Cell: one recipe of a comparison under a name, with every seed it is trained with."""

from dataclasses import dataclass

import xxhash

from distillir.base.folder_name import folder_name
from distillir.composition.compose import compose
from distillir.recipe import Recipe

#: Parts of a recipe that decide what a student is taught from and measured on, whatever the method.
SHARED = ("collection", "teacher", "teaching", "student", "queries", "candidates", "evaluation")


@dataclass(frozen=True)
class Cell:
    """A recipe of a comparison.

    Attributes:
        name: As the leaderboard shows it.
        recipe: Checked; its own seed is replaced by each of the comparison's.
    """

    name: str
    recipe: Recipe

    @property
    def folder(self) -> str:
        """A name for the cell's folder that file systems take, with a hash where the name was changed."""
        return folder_name(self.name, "cell")

    @property
    def needs_lists(self) -> bool:
        """True where it learns from candidates, and not from texts alone."""
        return compose(self.recipe).needs_lists

    def seeded(self, seed: int, query_seed: int) -> Recipe:
        """The recipe with a seed of its training; which queries it has depends on ``query_seed`` alone."""
        queries = self.recipe.queries.model_copy(update={"seed": query_seed})
        return self.recipe.model_copy(update={"seed": seed, "queries": queries})


def shared_part(recipe: Recipe) -> Recipe:
    """Recipe of everything before training, the same for all methods."""
    resolved = recipe.resolved()
    # How cells train, and what they choose their best student by, is their own.
    own = {"seed": recipe.query_seed, "method": "kl", "training": {"select": "none"}}
    return Recipe.model_validate({name: resolved[name] for name in SHARED} | own)


def shared_key(recipe: Recipe) -> str:
    """Identity of `shared_part` (hex)."""
    import json

    whole = shared_part(recipe).resolved()
    resolved = {name: whole[name] for name in (*SHARED, "seed")}
    if not resolved["evaluation"]["also"]:
        del resolved["evaluation"]["also"]
    return xxhash.xxh3_64_hexdigest(json.dumps(resolved, sort_keys=True).encode())
