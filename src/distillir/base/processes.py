"""The place of this process among several (``accelerate launch``), waiting for the others, agreeing with them."""

import atexit
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import TypeVar

T = TypeVar("T")

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
        import torch
        from accelerate import PartialState

        # Without cpu=True accelerate takes processes that have no GPU for one process, and waits for nobody.
        PartialState(cpu=not torch.cuda.is_available()).wait_for_everyone()
        _leave_at_exit()


@cache
def _leave_at_exit() -> None:
    """End the group of processes before this one exits: with its group open it may abort, its work done."""
    import torch.distributed

    def leave() -> None:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()

    atexit.register(leave)


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
    barrier()  # makes the process group where there is none yet
    import torch.distributed

    told: list[tuple[bool, T | Exception] | None] = [None]
    if rank() == 0:
        try:
            told = [(True, decide())]
        except Exception as error:
            told = [(False, _sendable(error))]
            torch.distributed.broadcast_object_list(told, src=0)
            raise
    torch.distributed.broadcast_object_list(told, src=0)
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
