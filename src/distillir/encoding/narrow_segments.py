"""Arrays of a segment in fewer bits: token vectors, and weights of words."""

from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.encoding.narrow import Stored, narrowed, widened

Vectors = npt.NDArray[np.float32]
#: Words up to so many are numbered in 16 bits.
_WORDS_OF_16_BITS = 1 << 16


def narrowed_arrays(arrays: dict[str, npt.NDArray[Any]], form: Stored) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a segment with their numbers in a form.

    Token vectors (``vectors``) become float16, or int8 with ``scales``; weights of words (``values``) float16, and
    ``words`` 16 bits wide where the vocabulary allows it.

    Raises:
        DistillirError: A number is beyond float16.
    """
    if form == "float32":
        return arrays
    found = dict(arrays)
    if "vectors" in arrays:
        found["vectors"], scales = narrowed(arrays["vectors"], form)
        found |= {} if scales is None else {"scales": scales}
    if "values" in arrays:
        found["values"], _ = narrowed(arrays["values"], form)
        if arrays["width"][0] <= _WORDS_OF_16_BITS:
            found["words"] = arrays["words"].astype(np.uint16)
    return found


def wide_vectors(vectors: npt.NDArray[Any], scales: Vectors | None) -> Vectors:
    """Token vectors [tokens, D] float32 of a segment's; those that are float32 stay mapped."""
    return vectors if vectors.dtype == np.float32 else widened(vectors, scales)


def wide_words(words: npt.NDArray[Any], values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int32], Vectors]:
    """Words int32 and weights float32 of a segment's; those that are as wide stay mapped."""
    return words.astype(np.int32, copy=False), values.astype(np.float32, copy=False)


def bytes_of_vector(width: int, form: Stored) -> int:
    """Bytes of a vector on disk."""
    return width + 4 if form == "int8" else width * np.dtype(form).itemsize


def bytes_of_word(vocabulary: int, form: Stored) -> int:
    """Bytes of a word and its weight on disk."""
    if form == "float32":
        return 8
    return 4 if vocabulary <= _WORDS_OF_16_BITS else 6
