"""Ray's actors as workers: each holds a model, and answers one batch after the other.

Plain actors, and not Ray Data: that cuts batches of its own, whose scores would differ in their last bits, and hands
results on by blocks, while ours are kept as each batch comes back.
"""

import importlib.util
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from distillir.base.environment import refused_by_machine
from distillir.base.errors import DistillirError
from distillir.base.fan_out import Found, Given, Tag, work_goes_to
from distillir.base.processes import world_size
from distillir.base.progress import say

#: Batches that wait at each actor beside the one it works on: it never waits for the driver, and memory stays bounded.
WAITING = 1
#: Times that Ray starts a dead actor again, and gives a lost batch to one again, before the command ends.
RESTARTS = 4
#: Bytes of a cluster that is started here for what is on its way.
STORE = 256 << 20


@dataclass(frozen=True)
class RayOptions:
    """The address of Ray, and the resources of its actors.

    Attributes:
        on: ``ray`` (a cluster in this machine, for this command), ``ray://HOST:PORT``, or another address of Ray's.
        actors: How many at most; None: as many as the cluster has room for.
        gpus: Of each; None: 1 where the cluster has any. A fraction shares one.
        cpus: Of each; on a processor also its threads.
    """

    on: str
    actors: int | None = None
    gpus: float | None = None
    cpus: float = 1.0


class _Failed:
    """An error of one line, on its way back."""

    def __init__(self, error: DistillirError) -> None:
        self.what, self.where, self.remedy = error.what, error.where, error.remedy


class _Worker:
    """The actor: loads a model when it is first asked."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load, self._model = load, None

    def do(self, do: Callable[[Any, Any], Any], given: Any) -> Any:
        """An answer, or `_Failed`."""
        try:
            if self._model is None:
                self._model = self._load()
            return do(self._model, given)
        except DistillirError as error:
            return _Failed(error)
        except Exception as error:
            if (told := refused_by_machine(error)) is not None:
                return _Failed(told)
            raise


class RayWorkers:
    """See `distillir.base.fan_out.Workers`.

    Args:
        ray: The library, connected.
        options: Of the actors.

    Attributes:
        batches: Answers that came back.
    """

    def __init__(self, ray: Any, options: RayOptions) -> None:
        self._ray, self._options, self.batches = ray, options, 0
        there = ray.cluster_resources()
        gpus = there.get("GPU", 0.0)
        self._gpus = options.gpus if options.gpus is not None else min(1.0, gpus)
        room = [there.get("CPU", 0.0) / options.cpus if options.cpus else math.inf]
        room.append(gpus / self._gpus if self._gpus else math.inf)
        self._room = int(min(room)) if min(room) < math.inf else 1
        if self._room < 1:
            raise DistillirError(
                f"no actor of {options.cpus:g} CPUs and {self._gpus:g} GPUs fits: the cluster has "
                f"{there.get('CPU', 0):g} and {gpus:g}",
                where=f"--on {options.on}",
                remedy="lower --ray-cpus or --ray-gpus",
            )
        self.actors = self._room if options.actors is None else options.actors

    def each(
        self,
        load: Callable[[], Any],
        do: Callable[[Any, Given], Found],
        tasks: Iterable[tuple[Tag, Given]],
    ) -> Iterator[tuple[Tag, Found]]:
        """See `distillir.base.fan_out.Workers.each`. The actors end with the iteration, and free what they hold."""
        waiting = iter(tasks)
        first = list(islice(waiting, self.actors))  # no actor for which there is nothing to do
        actors: list[Any] = []
        try:
            make = self._ray.remote(_Worker).options(
                num_cpus=self._options.cpus,
                num_gpus=self._gpus,
                max_restarts=RESTARTS,
                max_task_retries=RESTARTS,
            )
            actors += [make.remote(load) for _ in first]
            sent = self._ray.put(do)
            yield from self._answers(actors, sent, chain(first, waiting))
        finally:
            for actor in actors:
                with suppress(Exception):  # dead, or the cluster is gone
                    self._ray.kill(actor)

    def _answers(self, actors: list[Any], do: Any, waiting: Iterator[tuple[Tag, Any]]) -> Iterator[tuple[Tag, Any]]:
        under_way: dict[Any, tuple[Any, Tag]] = {}
        free = [actor for _ in range(1 + WAITING) for actor in actors]
        while True:
            for actor, (tag, given) in zip(free, islice(waiting, len(free)), strict=False):
                under_way[actor.do.remote(do, given)] = actor, tag
            free = []
            if not under_way:
                return
            for answered in self._ray.wait(list(under_way), num_returns=1)[0]:
                actor, tag = under_way.pop(answered)
                found = self._found(answered)
                free.append(actor)
                self.batches += 1
                yield tag, found

    def _found(self, answered: Any) -> Any:
        errors = self._ray.exceptions
        try:
            found = self._ray.get(answered)
        except errors.RayTaskError as error:
            raise error.cause from None
        except errors.RayError as error:
            said = next((line for line in str(error).splitlines() if line.strip()), "")[:200]
            raise DistillirError(
                f"a worker was lost {RESTARTS + 1} times ({type(error).__name__}: {said})",
                where=f"--on {self._options.on}",
                remedy="look at Ray's log of it (out of memory?); run the same command again: it goes on with what is "
                "missing",
            ) from None
        if isinstance(found, _Failed):
            raise DistillirError(found.what, where=found.where, remedy=found.remedy)
        return found


@contextmanager
def on_ray(options: RayOptions) -> Iterator[RayWorkers]:
    """Have Ray's actors take what cross-encoders and encoders are asked for, for as long as the block lasts.

    Raises:
        DistillirError: Ray is missing or does not answer, or several processes are started already.
    """
    where = f"--on {options.on}"
    if options.on != "ray" and not _is_address(options.on):
        raise DistillirError(f"{options.on!r} is no engine", where="--on", remedy="choose ray, or ray://HOST:PORT")
    if importlib.util.find_spec("ray") is None:
        raise DistillirError("ray is not installed", where=where, remedy="pip install 'distillir[ray]'")
    if world_size() > 1:
        raise DistillirError(
            "one process drives Ray", where=where, remedy="start the command without torchrun or accelerate launch"
        )
    ray = _connected(options, where)
    try:
        workers = RayWorkers(ray, options)
        with work_goes_to(workers):
            yield workers
        if not workers.batches:
            say(
                "Ray had nothing to do: what is there is not asked again, and only cross-encoders and encoders go there"
            )
    finally:
        ray.shutdown()


def _is_address(text: str) -> bool:
    host, colon, port = text.removeprefix("ray://").rpartition(":")
    return text == "ray://auto" or bool(host and colon and port.isdigit())


def _connected(options: RayOptions, where: str) -> Any:
    """Ray, connected to a cluster: one of its own that ends with this process, or one that is there."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # actors without a GPU: Ray's way of the future
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # The driver of a cluster of its own waits for its workers: nothing here is more urgent than they are.
    os.environ.setdefault("RAY_worker_niceness", "0")
    import ray

    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": True}
    try:
        if options.on == "ray":
            ray.init(address="local", include_dashboard=False, object_store_memory=STORE, **quiet)
        else:
            address = "auto" if options.on == "ray://auto" else options.on
            ray.init(address=address, **quiet)
    except Exception as error:  # of Ray's own, and of gRPC
        said = " ".join(str(error).split())[:200]
        raise DistillirError(
            f"Ray does not answer ({type(error).__name__}: {said})",
            where=where,
            remedy="check the address, or `ray status` there",
        ) from None
    return ray
