"""A column of ragged lists in Arrow memory, read list by list without copying."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


class ListColumn:
    """Lists by their index.

    Args:
        column: A chunked Arrow array of lists without nulls.
    """

    def __init__(self, column: pa.ChunkedArray) -> None:
        chunks = [chunk for chunk in column.chunks if len(chunk)]
        self._starts = np.cumsum([0, *(len(chunk) for chunk in chunks)])
        # `offsets` honours that a chunk may be a slice and `values` does not, so the one indexes into the other.
        self._offsets = [chunk.offsets.to_numpy() for chunk in chunks]
        self._values = [chunk.values for chunk in chunks]
        packed = pa.types.is_boolean(column.type.value_type)
        self._arrays = None if packed else [values.to_numpy(zero_copy_only=True) for values in self._values]

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> npt.NDArray[Any]:
        """The ``index``-th list: a read-only view, or for booleans (packed as bits) a small copy."""
        if not 0 <= index < len(self):
            raise IndexError(f"list {index} of {len(self)}")
        chunk = int(np.searchsorted(self._starts, index, side="right")) - 1
        place = index - self._starts[chunk]
        start, end = (int(offset) for offset in self._offsets[chunk][place : place + 2])
        if self._arrays is not None:
            view: npt.NDArray[Any] = self._arrays[chunk][start:end]
            return view
        copy: npt.NDArray[Any] = self._values[chunk].slice(start, end - start).to_numpy(zero_copy_only=False)
        return copy

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """The length of every list."""
        sizes = [np.diff(offsets) for offsets in self._offsets]
        return np.concatenate(sizes).astype(np.int64) if sizes else np.empty(0, dtype=np.int64)
