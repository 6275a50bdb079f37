"""``--allow-code``: the user's word that Python code which a recipe names may run."""

from typing import Annotated

import typer

from distillir.specs.allow_code import FLAG, set_code_allowed


def _said(allowed: bool) -> bool:
    set_code_allowed(allowed)
    return allowed


AllowCode = Annotated[
    bool,
    typer.Option(
        FLAG, callback=_said, help="let Python code run that the recipe names as module:NAME (read it before)"
    ),
]
