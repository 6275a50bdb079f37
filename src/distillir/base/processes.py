"""The place of this process among several (``accelerate launch``), waiting for the others, agreeing with them."""

import atexit
import os
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from distillir.base.errors import DistillirError

T = TypeVar("T")

#: How long a process waits for another one that prepares something, in minutes.
TIMEOUT, TIMEOUT_MINUTES = "DISTILLIR_TIMEOUT_MINUTES", 1440.0

#: Writes what all processes have made together; process 0 alone is asked to.
Write = Callable[[], object]


def world_size() -> int:
    """Number of processes that run this command; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """The number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def barrier() -> None:
    """Wait until every process is here; nothing with one process."""
    if world_size() > 1:
        import torch.distributed

        with _patience():
            torch.distributed.barrier(group=_waiting_group())


def patience() -> float:
    """Minutes that a process waits for another one: those of DISTILLIR_TIMEOUT_MINUTES, else a day.

    Raises:
        DistillirError: The variable holds no number above 0.
    """
    given = os.environ.get(TIMEOUT, "")
    try:
        minutes = float(given) if given.strip() else TIMEOUT_MINUTES
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= 1e7:
        raise DistillirError(f"{given!r} is no number of minutes", where=TIMEOUT, remedy="give a number above 0")
    return minutes


@contextmanager
def _patience() -> Iterator[None]:
    """Say that time is up where another process has kept this one waiting for longer than `patience`."""
    start = time.monotonic()
    try:
        yield
    except RuntimeError:
        minutes = patience()
        if time.monotonic() - start < 60 * minutes:
            raise
        raise DistillirError(
            f"waited {minutes:g} minutes for another process",
            where=TIMEOUT,
            remedy="see what it does; where it only takes long, set the variable higher and run the same command again",
        ) from None


@cache
def _waiting_group() -> Any:
    """A group of all processes to wait and agree in, apart from the one that trains.

    NCCL ends a process whose collective takes ten minutes, and one that prepares (tokenises, seals, searches) while the
    others wait takes longer for millions of texts. So they wait in gloo, on the processor, as long as `patience` says;
    steps of training keep the short patience of their own group, which tells of a GPU that hangs.
    """
    import torch
    from accelerate import PartialState

    # Without cpu=True accelerate takes processes that have no GPU for one process, and makes no group.
    PartialState(cpu=not torch.cuda.is_available())
    made = torch.distributed.new_group(backend="gloo", timeout=timedelta(minutes=patience()))

    def leave() -> None:
        # With its groups open a process may abort at its end, its work done.
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()

    atexit.register(leave)
    return made


@contextmanager
def first_process_first() -> Iterator[bool]:
    """Let process 0 go through the block before the others; yields whether this is process 0."""
    if rank() != 0:
        barrier()
    try:
        yield rank() == 0
    finally:
        if rank() == 0:
            barrier()


def first_decides(decide: Callable[[], T]) -> T:
    """The value that process 0 gets from ``decide``, in every process; the others do not call it.

    Args:
        decide: Called by process 0 alone. Its value must be one that can be pickled.

    Raises:
        Exception: In every process, what ``decide`` raised in process 0: none of them waits for one that has left. What
            cannot be pickled reaches the others as a RuntimeError of the same words.
    """
    if world_size() == 1:
        return decide()
    barrier()  # makes the process groups where there are none yet
    import torch.distributed

    told: list[tuple[bool, T | Exception] | None] = [None]
    group = _waiting_group()
    if rank() == 0:
        try:
            told = [(True, decide())]
        except Exception as error:
            told = [(False, _sendable(error))]
            torch.distributed.broadcast_object_list(told, src=0, group=group)
            raise
    with _patience():
        torch.distributed.broadcast_object_list(told, src=0, group=group)
    assert told[0] is not None
    good, value = told[0]
    if isinstance(value, Exception) and not good:
        raise value
    return value  # type: ignore[return-value]


def make_together(make: Callable[[], Write | None], timed: AbstractContextManager[None] | None = None) -> None:
    """Make something in all processes, written by process 0; it is there when the first of them goes on.

    Args:
        make: Called in every process, so that they can share the work. What it gives is called in process 0 alone and
            writes (whole, or not at all: `distillir.base.files.atomic_file`); None where that is done.
        timed: Around the work.

    Raises:
        Exception: What ``make`` raises.
    """
    with timed or nullcontext():
        write = make()
        if write is not None and rank() == 0:
            write()
    barrier()


def _sendable(error: Exception) -> Exception:
    """An exception as it is, or its words where it cannot be sent to other processes."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # of any library's own exceptions
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
