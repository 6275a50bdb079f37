"""Rows of Parquet and Arrow files as mappings, a batch in memory at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from distillir.base.errors import DistillirError

ROWS_PER_BATCH = 1000


def count_arrow_rows(path: Path) -> int:
    """Number of rows of a Parquet file, for a progress bar; 0 for an Arrow file, or one that cannot be read."""
    try:
        return int(pq.read_metadata(str(path)).num_rows) if path.suffix.lower() == ".parquet" else 0
    except (OSError, pa.ArrowException):
        return 0


def read_arrow_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(row from 1, {column: value})`` of a Parquet file, or an Arrow file of either kind (file or stream).

    Raises:
        DistillirError: The file cannot be read.
    """
    number = 0
    try:
        for batch in _batches(path):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (OSError, pa.ArrowException) as error:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DistillirError(f"cannot be read ({said})", where=path, remedy="check that the file is whole") from None


def _batches(path: Path) -> Iterator[Any]:
    if path.suffix.lower() == ".parquet":
        with pq.ParquetFile(str(path)) as file:
            yield from file.iter_batches(batch_size=ROWS_PER_BATCH)
        return
    with pa.memory_map(str(path)) as mapped:
        try:
            reader = pa.ipc.open_file(mapped)
        except pa.ArrowInvalid:
            mapped.seek(0)
            yield from pa.ipc.open_stream(mapped)
            return
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)
