"""``--on ray``: who takes the work of a verb."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ENGINE",
        help="ray, or ray://HOST:PORT: actors hold cross-encoders and encoders; see docs/ray.md",
    ),
]
Actors = Annotated[int | None, typer.Option("--ray-actors", min=1, help="actors at most [default: all that fit]")]
Gpus = Annotated[
    float | None, typer.Option("--ray-gpus", min=0, help="GPUs of each actor [default: 1 where the cluster has any]")
]
Cpus = Annotated[float, typer.Option("--ray-cpus", min=0, help="CPUs of each actor, and its threads")]


@contextmanager
def taken_by(on: str | None, actors: int | None, gpus: float | None, cpus: float) -> Iterator[None]:
    """Have the work of the block taken by an engine; None: by this process."""
    if on is None:
        yield
        return
    from distillir.base.ray_workers import RayOptions, on_ray

    with on_ray(RayOptions(on, actors, gpus, cpus)):
        yield
