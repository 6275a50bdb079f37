"""Scores of a teacher's layers on disk, for the lists of a teaching set."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from distillir.base.arrays import LayerScores
from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file
from distillir.plans.attachment import Attachment, Drawn

LAYERS = "layers.parquet"
_SOURCE, _DEPTH = b"distillir.source", b"distillir.depth"

__all__ = ["LAYERS", "LayerScores", "LayerSet", "open_layers", "write_layers"]


class LayerSet(Attachment):
    """Scores of a teacher's layers for each list of a teaching set.

    Args:
        depth: Layers.
        scores: Of each list.

    Attributes:
        depth: Layers.
    """

    name = "layers"

    def __init__(self, depth: int, scores: Sequence[LayerScores]) -> None:
        self.depth, self._scores = depth, scores

    def __len__(self) -> int:
        return len(self._scores)

    def of(self, index: int) -> LayerScores:
        """Scores [depth, N] of the ``index``-th list."""
        return self._scores[index]

    def attach(self, drawn: Drawn) -> LayerScores:
        """Scores [depth, N] of a lesson's list."""
        return self.of(drawn.index)[:, drawn.chosen]


def write_layers(layers: LayerSet, path: Path, source: str) -> None:
    """Write ``path / layers.parquet`` with the identity of what the scores are of."""
    rows = [layers.of(index).reshape(-1) for index in range(len(layers))]
    schema = pa.schema(
        [("scores", pa.list_(pa.float32()))], metadata={_SOURCE: source.encode(), _DEPTH: str(layers.depth).encode()}
    )
    path.mkdir(parents=True, exist_ok=True)
    with atomic_file(path / LAYERS) as temporary:
        pq.write_table(pa.table([pa.array(rows, pa.list_(pa.float32()))], schema=schema), str(temporary))


def open_layers(path: Path, source: str | None = None) -> LayerSet:
    """Read what `write_layers` wrote.

    Args:
        path: The folder.
        source: What the scores must be of; None: anything.

    Raises:
        DistillirError: It is missing, damaged, or of another source.
    """
    try:
        table = pq.read_table(str(path / LAYERS))
        column = table.column("scores").combine_chunks()
        metadata = table.schema.metadata or {}
        depth = int(metadata[_DEPTH])
    except (OSError, KeyError, pa.ArrowException) as error:
        raise_if_refused(error)
        raise DistillirError(f"cannot be read ({error})", where=path / LAYERS, remedy="delete it") from None
    if source is not None and metadata.get(_SOURCE) != source.encode():
        raise DistillirError("is of another teaching set or other settings", where=path / LAYERS, remedy="delete it")
    values, offsets = np.asarray(column.values, dtype=np.float32), np.asarray(column.offsets)
    return LayerSet(depth, [values[start:end].reshape(depth, -1) for start, end in pairwise(offsets)])
