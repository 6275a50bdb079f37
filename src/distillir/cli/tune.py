"""``tune``: a search over the few keys of a recipe that matter."""

from pathlib import Path
from typing import Annotated

import typer

from distillir.base.errors import DistillirError
from distillir.cli.allow_code import AllowCode
from distillir.cli.report_to import ReportTo, with_report_to

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="YAML file; see docs/tune.md")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change a key of the recipe; may be repeated")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="DIR", help="folder of the search [default: runs/RECIPE's name-tune]"),
]


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command()(tune)


def tune(
    recipe: RecipePath,
    settings: Settings = None,
    output: Output = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0, help="of all trials, earlier calls' included")] = 30,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="at most so many, earlier calls' included")
    ] = None,
    keys: Annotated[
        str | None, typer.Option("--keys", metavar="A,B", help="search these keys alone; see docs/tune.md")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="of what is drawn; the recipe has its own")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="print what is searched and how many trials fit, and end")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="begin the search anew; candidates and scores that fit are kept")
    ] = False,
    report_to: ReportTo = None,
    allow_code: AllowCode = False,
) -> None:
    """Search temperatures, learning rate and lists for a recipe, by dev queries. A rerun goes on where it stopped."""
    from distillir.cli.error_log import keep_errors_beside
    from distillir.recipe import default_output
    from distillir.recipe.read import read_recipe
    from distillir.tuning.optuna_there import optuna
    from distillir.tuning.search import Limits

    optuna()
    if minutes <= 0:
        raise DistillirError("no time for a trial", where="--minutes", remedy="give more than 0, such as 30")
    checked = read_recipe(recipe, with_report_to(settings, report_to))
    own = default_output(recipe)
    folder = output or own.with_name(f"{own.name}-tune")
    only = None if keys is None else [name.strip().removeprefix("training.") for name in keys.split(",")]
    limits = Limits(minutes, trials)
    if dry_run:
        from distillir.tuning.estimate import print_tuning_plan

        keep_errors_beside(None)  # nothing of the folder is touched
        print_tuning_plan(checked, folder, limits, only=only, anew=anew)
        return
    keep_errors_beside(folder)
    from distillir.base.progress import console, is_first_process, say
    from distillir.dry_run.plan import duration
    from distillir.tuning.result import gain_line, words
    from distillir.tuning.search import tune as search
    from distillir.tuning.tables import worth_table

    result = search(checked, folder, limits, seed=seed, only=only, anew=anew)
    if is_first_process():
        console.print(worth_table(result))
    if result.importances:
        say(f"Importance: the share of the spread of finished trials that a key explains ({result.importance_by})")
    counts = ", ".join(f"{count} {ended}" for ended, count in result.trials.items() if count)
    name, queries = result.queries
    made = sum(result.trials.values())
    trials_made = f"{made} {'trial' if made == 1 else 'trials'} ({counts})"
    say(f"{trials_made} in {duration(result.seconds)}, on {queries} {words(name)}")
    if result.changes:
        changed = ", ".join(f"{path} {value}" for path, value in result.changes.items())
        say(f"Best: {result.best:.4f} (trial {result.number}; the given recipe {result.first:.4f}): {changed}")
    say(gain_line(result))
    if result.at_edge:
        ends = ", ".join(result.at_edge)
        say(f"At an end of what was searched: {ends}: set it there in the recipe, and search anew around it")
    say(f"Recipe: {folder / 'recipe.yaml'} (distillir run {folder / 'recipe.yaml'} --output runs/NAME)")
