"""Work that others take: what a model is asked for goes to whoever `named_workers` names, else this process does it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

Tag = TypeVar("Tag")
Given = TypeVar("Given")
Found = TypeVar("Found")


class Workers(Protocol):
    """Holders of models in other processes, such as `distillir.base.ray_workers.RayWorkers`."""

    def each(
        self,
        load: Callable[[], Any],
        do: Callable[[Any, Given], Found],
        tasks: Iterable[tuple[Tag, Given]],
    ) -> Iterator[tuple[Tag, Found]]:
        """Have every task done, in any order, by models that each worker loads once.

        Args:
            load: Makes the model; sent to the workers.
            do: Gives the answer of a model to a task; sent too. It depends on nothing else, so that it may be repeated.
            tasks: What stays here to tell answers apart, and what is sent. Read as workers become free.
        """
        ...


_workers: list[Workers] = []


def named_workers() -> Workers | None:
    """The workers that take work; None: this process does it itself."""
    return _workers[-1] if _workers else None


@contextmanager
def work_goes_to(workers: Workers) -> Iterator[None]:
    """Have work taken by others for as long as the block lasts."""
    _workers.append(workers)
    try:
        yield
    finally:
        _workers.remove(workers)
