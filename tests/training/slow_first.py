"""A program for two processes, the first of which tokenises for longer than a step's collective may take.

Usage: slow_first.py COLLECTION MODEL WORK
"""

import sys
import time
from datetime import timedelta
from pathlib import Path

import torch.distributed
from accelerate import PartialState

from distillir.base.processes import barrier, first_decides, first_process_first, rank
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.collections.table import TextTable
from distillir.students.load import load_student

#: What a collective of a training step may take here; NCCL's is ten minutes.
SHORT = 1.0


class SlowTable(TextTable):
    """A table on a disk that takes its time."""

    def texts(self, rows: object = None) -> list[str]:
        """The texts, late."""
        time.sleep(2.5 * SHORT)
        return super().texts(rows)  # type: ignore[arg-type]


def main(collection: Path, model: str, work: Path) -> None:
    """Tokenise, the first process for both; agree on a length; then take a step together."""
    PartialState(cpu=True, timeout=timedelta(seconds=SHORT))
    loaded, table = load_student(model, device="cpu"), SlowTable(Collection(collection).corpus.path)
    with first_process_first():
        store = tokenise(work / "tokens", loaded, table, [0, 1, 2], kind="document")  # type: ignore[arg-type]

    def count() -> int:
        time.sleep(2.5 * SHORT)
        return int(store.lengths(store.rows).sum())

    total = first_decides(count)
    barrier()
    step = torch.tensor([rank() + 1])
    torch.distributed.all_reduce(step)
    (work / f"done-{rank()}").write_text(f"{total} {int(step)}")


main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
