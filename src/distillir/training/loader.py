"""Batches made beside the training, by worker processes that hold no model and draw nothing of their own."""

import multiprocessing
import os
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.utils.data import BatchSampler, DataLoader

from distillir.base.errors import DistillirError
from distillir.plans.example_stream import ExampleStream

#: Workers beside a process that has a GPU (benchmarks/results/collation.md).
BESIDE_A_GPU = 2
_LOST = re.compile(r"DataLoader worker \(pid\(?s?\)? [0-9, ]+\)[^.]*")


def loader_workers(wanted: int | str, device: str) -> int:
    """Workers of one training process.

    Args:
        wanted: As `distillir.plans.settings.TrainingSettings` has it.
        device: Kind of device that the process trains on. On a processor workers would take the time of its steps.
    """
    if isinstance(wanted, int):
        return wanted
    return 0 if device == "cpu" else BESIDE_A_GPU


def batch_loader(
    examples: ExampleStream,
    batches: BatchSampler,
    collate: Callable[[Any], dict[str, Any]],
    *,
    workers: int,
    pinned: bool = False,
    context: str | None = None,
) -> DataLoader[Any]:
    """A loader of collated batches, in the order of ``batches`` whatever the number of workers.

    A training example depends on its place alone (`ExampleStream`), and collation draws nothing, so that batches are
    the same to the bit, and a resume skips places and no state of a worker.

    Args:
        examples: The stream.
        batches: Places of each batch.
        collate: Makes a batch of examples.
        workers: Processes that do it; 0: the calling one does.
        pinned: Whether batches are put into pinned memory.
        context: How workers are started; None: forked where the system can, so that they share what is mapped.
    """
    if workers:
        # Said before a fork: silence in the workers, where a pool of threads does not survive it, is set by `_begin`.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    return DataLoader(
        examples,  # type: ignore[arg-type]
        batch_sampler=batches,
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=_begin if workers else None,
        multiprocessing_context=(context or _context()) if workers else None,
        pin_memory=pinned,
    )


def _context() -> str:
    return "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"


def _begin(number: int) -> None:
    """Make ready a worker: a joint teacher's collation tokenises, and threads of a forked tokenizer would hang."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


@contextmanager
def telling_of_workers(workers: int) -> Iterator[None]:
    """Say in a line that one of some workers was lost.

    Raises:
        DistillirError: One was killed, or cannot be started on this system.
    """
    try:
        yield
    except (pickle.PicklingError, TypeError) as error:
        if "pickle" not in str(error):
            raise
        raise DistillirError(
            f"what makes batches cannot be sent to other processes ({error})",
            where="training.loader_workers",
            remedy="set it to 0",
        ) from None
    except (RuntimeError, ConnectionError, EOFError) as error:
        # One that dies while its batch is taken over shows as a connection that ends.
        lost = _LOST.search(str(error))
        if lost is None and (isinstance(error, RuntimeError) or not workers):
            raise
        said = lost.group() if lost else f"{type(error).__name__}: {error}"
        raise DistillirError(
            f"{said}: a process that makes batches is gone",
            where="training.loader_workers",
            remedy="run the same command again: it goes on where it stopped; where memory, or a container's shared "
            "memory (docker run --shm-size=8g), ran out, set it lower",
        ) from None
