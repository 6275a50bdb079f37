"""``distillir.run``."""

import os
from collections.abc import Mapping
from typing import Any

from distillir.base.errors import DistillirError
from distillir.front_door.forms import as_path
from distillir.front_door.one_line import one_line
from distillir.front_door.result import Result
from distillir.front_door.stages import checked_recipe, default_output, run_all


@one_line
def run(
    recipe: "Mapping[str, Any] | str | os.PathLike[str]",
    output: "str | os.PathLike[str] | None" = None,
    *,
    settings: Mapping[str, Any] | None = None,
    anew: bool = False,
    allow_code: bool = False,
) -> Result:
    """Do everything that a recipe asks for: mine, score, train, evaluate, report.

    The same as ``distillir run RECIPE --output OUTPUT``, weights and figures to the bit. Called again, after a kill,
    an exception or in a new notebook, it goes on where it was.

    Args:
        recipe: A YAML file, or the mapping that it would hold (docs/recipe.md). In a mapping, paths, open collections
            and teaching sets may stand where a recipe has the text of a path.
        output: Folder of the run. Default: ``runs/NAME`` for a file NAME.yaml; a mapping needs one.
        settings: Values by dotted keys that replace the recipe's (``--set``): ``{"training.epochs": 1}``.
        anew: Whether what the folder holds of other texts, models or settings is made anew (``--anew``).
        allow_code: Whether Python code runs that the recipe names as ``module:NAME`` (``--allow-code``).

    Returns:
        The result: ``metrics``, ``student``, ``report``, ``path``. As the last line of a notebook's cell it shows its
        measures.

    Raises:
        DistillirError: A mistake in the recipe or in what it names; or the folder holds a run, or checkpoints, of
            other settings: nothing is resumed that does not fit, and nothing deleted without ``anew``.

    Example:
        ```python
        import distillir

        recipe = {
            "collection": "mytext",
            "teacher": {"cross-encoder": "my-teacher"},
            "student": {"model": "all-MiniLM-L6-v2", "layers": 1},
            "method": "ckl",
            "training": {"epochs": 1, "queries_per_step": 4},
        }
        result = distillir.run(recipe, output="runs/ckl")
        print(result.metrics["before"]["nDCG@10"], result.metrics["after"]["nDCG@10"])
        ```
    """
    checked = checked_recipe(recipe, settings or {})
    if output is None and isinstance(recipe, Mapping):
        raise DistillirError(
            "a recipe that is no file gives the run's folder no name", where="output", remedy='give output="runs/mine"'
        )
    path = as_path(output) if output is not None else default_output(recipe)  # type: ignore[arg-type]
    run_all(checked, path, anew=anew)
    return Result(path, allow_code=allow_code)
