"""Which of several processes this is (``accelerate launch``), and waiting for the others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def world_size() -> int:
    """How many processes run this command; 1 without a launcher."""
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
