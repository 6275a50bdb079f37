"""The recipe, its changed keys and the folder: what the verbs of a run are called with."""

from pathlib import Path
from typing import Annotated

import typer

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="YAML file; see docs/recipe.md")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change a key of the recipe; may be repeated")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="folder of the run [default: runs/RECIPE's name]")
]
