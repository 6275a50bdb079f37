"""A number for each candidate of each list: on disk, in training examples and as a matrix."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from distillir.base.arrays import Scores
from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file
from distillir.base.hashes import hash_of_arrays
from distillir.plans.attachment import Attachment, Drawn
from distillir.signals.signal_training import Batch

_SOURCE = b"distillir.source"


class ListValues(Attachment):
    """Values of candidates by list.

    Args:
        name: The signal's.
        values: Of each list [Q], one a candidate [N].
    """

    def __init__(self, name: str, values: Sequence[Scores]) -> None:
        self.name, self.values = name, values

    @property
    def fingerprint(self) -> str:
        """Hash of all values (hex)."""
        return hash_of_arrays(*self.values)

    def attach(self, drawn: Drawn) -> Scores:
        """Values of the candidates that an example shows."""
        return self.values[drawn.index][drawn.chosen]

    def matrix(self, batch: Batch) -> Any:
        """Values of a batch's lists as a float32 tensor [B, N]; 0 behind each."""
        import torch

        found = np.zeros(batch.label["index"].shape, dtype=np.float32)
        for row, own in enumerate(batch.held(self.name)):
            found[row, : len(own)] = own
        return torch.from_numpy(found)

    def write(self, path: Path, source: str) -> None:
        """Write a parquet file, with the identity of all that the values depend on."""
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = pa.schema([("values", pa.list_(pa.float32()))], metadata={_SOURCE: source.encode()})
        table = pa.table([pa.array(list(self.values), pa.list_(pa.float32()))], schema=schema)
        with atomic_file(path) as temporary:
            pq.write_table(table, str(temporary))

    @classmethod
    def read(cls, name: str, path: Path, source: str) -> "ListValues":
        """Read what `write` wrote.

        Args:
            name: The signal's.
            path: The file.
            source: What the values must be of.

        Raises:
            DistillirError: It is missing, damaged, or of another source.
        """
        try:
            table = pq.read_table(str(path))
            column = table.column("values").combine_chunks()
        except (OSError, KeyError, pa.ArrowException) as error:
            raise_if_refused(error)
            raise DistillirError(f"cannot be read ({error})", where=path, remedy="delete it") from None
        if (table.schema.metadata or {}).get(_SOURCE) != source.encode():
            raise DistillirError("is of another teaching set or other settings", where=path, remedy="delete it")
        values, offsets = np.asarray(column.values, dtype=np.float32), np.asarray(column.offsets)
        return cls(name, [values[start:end] for start, end in pairwise(offsets)])
