"""Vectors in fewer bits: float16, or int8 with a scale a vector; they are read as float32."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError

if TYPE_CHECKING:
    import torch

Vectors = npt.NDArray[np.float32]
#: Forms of vectors on disk.
Stored = Literal["float32", "float16", "int8"]
#: The largest whole number of int8 on both sides of 0.
_MOST = 127


class NarrowVectors:
    """Vectors [N, D] that are kept in fewer bits, in mapped files; memory holds what is asked for.

    It is sliced and indexed by rows as an array of numpy's, and gives float32.

    Args:
        values: [N, D] float16 or int8.
        scales: [N] float32, by which the numbers of int8 are multiplied; None of float16.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, values: npt.NDArray[Any], scales: Vectors | None = None) -> None:
        self._values, self._scales = values, scales

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and width."""
        return int(self._values.shape[0]), int(self._values.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return self._values.nbytes + (0 if self._scales is None else self._scales.nbytes)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, rows: Rows | slice) -> Vectors:
        """Vectors [len(rows), D] float32."""
        return widened(self._values[rows], None if self._scales is None else self._scales[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All vectors, widened, in memory."""
        return np.asarray(self[:], dtype=dtype)

    def tensor(self, start: int, stop: int, device: "torch.device") -> "torch.Tensor":
        """Vectors [stop - start, D] float32 of neighbouring rows; the narrow numbers are what goes to the device."""
        import torch

        values = torch.from_numpy(np.array(self._values[start:stop])).to(device).float()
        if self._scales is None:
            return values
        return values * torch.from_numpy(np.array(self._scales[start:stop])).to(device)[:, None]


#: Vectors on disk in any form.
StoredVectors = Vectors | NarrowVectors


def narrowed(vectors: Vectors, form: Stored) -> tuple[npt.NDArray[Any], Vectors | None]:
    """The numbers [N, D] of vectors in a form, and the scales [N] of int8.

    float16 is the nearest one: a number x moves by at most max(2^-11 |x|, 2^-25). int8 has a scale s a vector, its
    largest number's absolute value / 127: a number moves by at most s / 2.

    Raises:
        DistillirError: A number is beyond float16.
    """
    if form == "float32":
        return vectors, None
    if form == "float16":
        with np.errstate(over="ignore"):
            values = vectors.astype(np.float16)
        if not np.isfinite(values).all():
            raise DistillirError(
                f"a vector has the number {np.abs(vectors).max():.6g}, and float16 ends at 65504",
                where="stored: float16",
                remedy="write stored: int8 or float32",
            )
        return values, None
    scales = np.abs(vectors).max(axis=1, initial=0.0) / np.float32(_MOST)
    # A vector of zeros, or of numbers next to nothing, is one of zeros.
    steps = np.rint(vectors / np.where(scales > 0, scales, np.float32(np.inf))[:, None])
    return np.clip(steps, -_MOST, _MOST).astype(np.int8), scales.astype(np.float32)


def widened(values: npt.NDArray[Any], scales: Vectors | None) -> Vectors:
    """Vectors [N, D] float32 of what `narrowed` gives."""
    found: Vectors = values.astype(np.float32)
    if scales is not None:
        found *= np.asarray(scales)[..., None]
    return found
