"""The verbs and their options; the work is in `distillir.pipeline`."""

from pathlib import Path
from typing import Annotated

import typer

from distillir.base.errors import DistillirError
from distillir.base.version import __version__
from distillir.cli import compare, index, inspect, serve, shards, teacher, transfer, tune
from distillir.cli.allow_code import AllowCode
from distillir.cli.boundary import Verbs
from distillir.cli.error_log import keep_errors_beside
from distillir.cli.on_ray import Actors, Cpus, Gpus, On, taken_by
from distillir.cli.report_to import ReportTo, with_report_to
from distillir.cli.run_options import Output, RecipePath, Settings
from distillir.cli.shards import Shard, take_share

app = typer.Typer(
    name="distillir",
    cls=Verbs,
    help="Turn an accurate, slow ranker into a fast retriever.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
compare.register(app)
index.register(app)
inspect.register(app)
serve.register(app)
shards.register(app)
teacher.register(app)
transfer.register(app)
tune.register(app)

Anew = Annotated[
    bool,
    typer.Option("--anew", help="make anew what does not fit its texts, models or settings, and all that follows"),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"distillir {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and end")
    ] = False,
) -> None:
    """Turn an accurate, slow ranker into a fast retriever."""


def _do(verb: str, recipe: Path, settings: list[str] | None, output: Path | None, anew: bool = False) -> None:
    """Take the steps of a verb."""
    from distillir.pipeline.open_run import open_run
    from distillir.pipeline.step import walk
    from distillir.pipeline.steps import of_verb
    from distillir.recipe import default_output
    from distillir.recipe.read import read_recipe

    path = output or default_output(recipe)
    keep_errors_beside(path)
    with open_run(path, read_recipe(recipe, settings or ()), verb, anew=anew) as folder:
        walk(folder, of_verb(verb))


@app.command()
def run(
    recipe: RecipePath,
    settings: Settings = None,
    output: Output = None,
    anew: Anew = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="print the plan with an estimate of the time, and end")
    ] = False,
    on: On = None,
    ray_actors: Actors = None,
    ray_gpus: Gpus = None,
    ray_cpus: Cpus = 1.0,
    report_to: ReportTo = None,
    allow_code: AllowCode = False,
) -> None:
    """Do everything: mine, score, train, evaluate, report. A rerun goes on where the last one stopped."""
    from distillir.recipe import default_output
    from distillir.recipe.read import read_recipe

    checked = read_recipe(recipe, with_report_to(settings, report_to))
    path = output or default_output(recipe)
    if dry_run:
        from distillir.dry_run.plan import print_plan

        keep_errors_beside(None)  # nothing of the run's folder is touched
        print_plan(checked, path, anew=anew)
        return
    keep_errors_beside(path)
    from distillir.pipeline.run import run as run_all

    with taken_by(on, ray_actors, ray_gpus, ray_cpus):
        run_all(checked, path, anew=anew)


@app.command()
def mine(
    recipe: RecipePath,
    settings: Settings = None,
    output: Output = None,
    anew: Anew = False,
    shard: Shard = None,
    on: On = None,
    ray_actors: Actors = None,
    ray_gpus: Gpus = None,
    ray_cpus: Cpus = 1.0,
    allow_code: AllowCode = False,
) -> None:
    """Find candidates for the training and evaluation queries (runs/candidates.trec)."""
    if shard is not None:
        take_share("mine", shard, on, recipe, settings, output, anew)
        return
    with taken_by(on, ray_actors, ray_gpus, ray_cpus):
        _do("mine", recipe, settings, output, anew)


@app.command()
def score(
    recipe: RecipePath,
    settings: Settings = None,
    output: Output = None,
    anew: Anew = False,
    shard: Shard = None,
    on: On = None,
    ray_actors: Actors = None,
    ray_gpus: Gpus = None,
    ray_cpus: Cpus = 1.0,
    allow_code: AllowCode = False,
) -> None:
    """Ask the teachers about candidates (teaching/, runs/teacher.trec), and for what else signals need."""
    if shard is not None:
        take_share("score", shard, on, recipe, settings, output, anew)
        return
    with taken_by(on, ray_actors, ray_gpus, ray_cpus):
        _do("score", recipe, settings, output, anew)


@app.command()
def train(
    recipe: RecipePath,
    settings: Settings = None,
    output: Output = None,
    anew: Anew = False,
    report_to: ReportTo = None,
    on: On = None,
    ray_actors: Actors = None,
    ray_gpus: Gpus = None,
    ray_cpus: Cpus = 1.0,
    allow_code: AllowCode = False,
) -> None:
    """Train the student on the teaching set (student/, log.jsonl)."""
    with taken_by(on, ray_actors, ray_gpus, ray_cpus):
        _do("train", recipe, with_report_to(settings, report_to), output, anew)


@app.command()
def evaluate(
    recipe: RecipePath,
    settings: Settings = None,
    output: Output = None,
    anew: Anew = False,
    on: On = None,
    ray_actors: Actors = None,
    ray_gpus: Gpus = None,
    ray_cpus: Cpus = 1.0,
    allow_code: AllowCode = False,
) -> None:
    """Measure the student before and after, and the teacher (metrics.json, runs/*.trec)."""
    with taken_by(on, ray_actors, ray_gpus, ray_cpus):
        _do("evaluate", recipe, settings, output, anew)


@app.command()
def report(recipe: RecipePath, settings: Settings = None, output: Output = None, allow_code: AllowCode = False) -> None:
    """Write report.html from the run's files, and print the table."""
    from distillir.recipe import default_output, read_recipe
    from distillir.specs.allow_code import refusals

    path = output or default_output(recipe)
    with refusals() as refused:
        try:
            read_recipe(recipe, settings or ())
        except DistillirError:
            if not refused or not (path / "metrics.json").is_file():
                raise
    if not refused:
        _do("report", recipe, settings, output)
        return
    from distillir.base.progress import say
    from distillir.pipeline.report import report_folder

    keep_errors_beside(path)
    say(
        f"{refused[0]} is Python code, which is not run: the report is made of what lies in {path}, and whether texts "
        "and models are still those of the run is not looked at (--allow-code does)"
    )
    report_folder(path)
