"""``--shard`` of the verbs that can be cut, ``encode``, and ``status``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from distillir.base.errors import DistillirError
from distillir.cli.allow_code import AllowCode
from distillir.cli.error_log import keep_errors_beside
from distillir.cli.on_ray import Actors, Cpus, Gpus, On, taken_by
from distillir.cli.run_options import Output, RecipePath, Settings

Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="do the I-th of N shares; see docs/several-machines.md"),
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command()(encode)
    app.command()(status)


def take_share(
    verb: str,
    shard: str,
    on: str | None,
    recipe: Path,
    settings: list[str] | None,
    output: Path | None,
    anew: bool = False,
) -> None:
    """Do a share of a verb."""
    from distillir.pipeline.shards.share import read_share
    from distillir.recipe import default_output
    from distillir.recipe.read import read_recipe

    refuse_two_ways(shard, on)
    share = read_share(shard)
    path = output or default_output(recipe)
    checked = read_recipe(recipe, settings or ())
    keep_errors_beside(path)
    if verb == "mine":
        from distillir.pipeline.shards.mine import mine_shard

        mine_shard(path, checked, share, anew=anew)
    else:
        from distillir.pipeline.shards.score import score_shard

        score_shard(path, checked, share, anew=anew)


def refuse_two_ways(shard: str | None, on: str | None) -> None:
    """Refuse shards whose work would be divided once more.

    Raises:
        DistillirError: Both options are given.
    """
    if shard is not None and on is not None:
        raise DistillirError(
            "a shard is one machine's, and --on divides the work among many",
            where="--shard",
            remedy="give one of the two",
        )


def encode(
    recipe: RecipePath,
    settings: Settings = None,
    output: Output = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="delete what does not fit its texts, models or settings, as mine does")
    ] = False,
    shard: Shard = None,
    on: On = None,
    ray_actors: Actors = None,
    ray_gpus: Gpus = None,
    ray_cpus: Cpus = 1.0,
    allow_code: AllowCode = False,
) -> None:
    """Encode the texts that sources, teachers and the student will read, into the cache."""
    from distillir.pipeline.shards.encode import encode_shard
    from distillir.pipeline.shards.share import read_share
    from distillir.recipe import default_output
    from distillir.recipe.read import read_recipe

    refuse_two_ways(shard, on)
    share = None if shard is None else read_share(shard)
    path = output or default_output(recipe)
    checked = read_recipe(recipe, settings or ())
    keep_errors_beside(path)
    with taken_by(on, ray_actors, ray_gpus, ray_cpus):
        encode_shard(path, checked, share, anew=anew)


def status(
    recipe: RecipePath,
    settings: Settings = None,
    output: Output = None,
    as_json: Annotated[bool, typer.Option("--json", help="print it as JSON")] = False,
    allow_code: AllowCode = False,
) -> None:
    """Say what of a run is there, what is missing, which shards are at work, and which command is next."""
    from distillir.pipeline.shards.status import look
    from distillir.pipeline.shards.status_lines import status_lines
    from distillir.recipe import default_output
    from distillir.recipe.read import read_recipe

    keep_errors_beside(None)  # nothing of the run's folder is touched
    path = output or default_output(recipe)
    called = [str(recipe), *(part for setting in settings or () for part in ("--set", setting))]
    called += [] if output is None else ["--output", str(output)]
    found = look(path, read_recipe(recipe, settings or ()), shlex.join(called))
    if as_json:
        import json

        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for line in status_lines(found):
        typer.echo(line)
