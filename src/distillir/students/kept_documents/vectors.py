"""Document vectors that stay: mapped files, read by row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from distillir.base.arrays import Rows
from distillir.encoding.narrow import NarrowVectors

#: Vectors of any float type [N, D].
Array = npt.NDArray[Any]


class DocumentVectors:
    """Vectors [N, D] of the rows of a table, in files that stay mapped: memory holds what is asked for.

    It can be sliced and indexed by rows, as an array of numpy's.

    Args:
        parts: Arrays [n, D] of one width, behind each other; narrow ones are float32 when read.
        places: Place of each row's vector among all parts [N]; None: the rows themselves.
    """

    def __init__(self, parts: Sequence[Array | NarrowVectors], places: Rows | None = None) -> None:
        self.parts, self.places = list(parts), places
        self.ends = np.cumsum([len(part) for part in self.parts])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and width."""
        rows = int(self.ends[-1]) if self.places is None else len(self.places)
        return rows, int(self.parts[0].shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers as they are read."""
        return np.result_type(*[part.dtype for part in self.parts])

    @property
    def bytes_each(self) -> int:
        """Bytes of a vector on disk."""
        narrow = next((part for part in self.parts if isinstance(part, NarrowVectors)), None)
        if narrow is not None:
            return narrow.nbytes // max(1, len(narrow))
        return int(self.shape[1] * self.dtype.itemsize)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows | slice) -> Array:
        """Vectors [len(rows), D], as they are stored, or float32 of narrow ones."""
        if isinstance(rows, slice):
            if len(self.parts) == 1 and self.places is None:
                return self.parts[0][rows]
            rows = np.arange(*rows.indices(len(self)), dtype=np.int64)
        places = rows if self.places is None else self.places[rows]
        if len(self.parts) == 1:
            return self.parts[0][places]
        found = np.empty((len(places), self.shape[1]), dtype=self.dtype)
        which = np.searchsorted(self.ends, places, side="right")
        for number in np.unique(which).tolist():
            here = which == number
            start = int(self.ends[number]) - len(self.parts[number])
            found[here] = self.parts[number][places[here] - start]
        return found


class VectorFeatures:
    """Document vectors as the features of a batch; stands where tokens stand of students that read documents.

    Args:
        vectors: Of the corpus, and of texts that signals bring behind it.
    """

    def __init__(self, vectors: DocumentVectors) -> None:
        self.vectors = vectors

    def lengths(self, rows: Rows) -> npt.NDArray[np.int64]:
        """1 for each row [len(rows)]: a vector is a vector."""
        return np.ones(len(rows), dtype=np.int64)

    def batch(self, rows: Rows) -> dict[str, Any]:
        """``vectors`` [T, D] in the order given, as `DocumentVectors` gives them."""
        return {"vectors": torch.from_numpy(np.array(self.vectors[rows]))}
