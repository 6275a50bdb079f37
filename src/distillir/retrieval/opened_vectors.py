"""Exact search for one query at a time over document vectors that stay mapped."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.encoding.narrow import NarrowVectors
from distillir.retrieval.opened import QueryEncoder, best_rows

#: Vectors of fewer bits that are widened together.
_BLOCK = 1 << 15


class OpenedVectors:
    """Nearest of document vectors: a product of all of them with the query's, without copying them.

    The ranking is that of `distillir.retrieval.exact.exact_search` but for float rounding.

    Args:
        name: For people.
        encoder: Of queries, to a vector.
        parts: Arrays [n, D] behind each other, mapped, of any float type or narrow.
        places: Place of each row's vector among all parts [N]; None: the rows themselves.
        cosine: Whether vectors are compared by cosine, else by dot product.

    Attributes:
        width: Numbers of a vector.
    """

    def __init__(
        self, name: str, encoder: QueryEncoder, parts: Sequence[Any], places: Rows | None, *, cosine: bool
    ) -> None:
        self.name, self._encoder, self._places, self._cosine = name, encoder, places, cosine
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mapped arrays are not writable, and nothing here writes
            self._parts = [
                part if isinstance(part, NarrowVectors) else torch.from_numpy(np.asarray(part)) for part in parts
            ]
        self.width = int(self._parts[0].shape[1])
        self._lengths = [_lengths(part) for part in self._parts] if cosine else []

    def search_text(self, text: str, depth: int) -> tuple[Rows, Scores]:
        """See `distillir.retrieval.opened.OpenedRetriever.search_text`.

        Raises:
            DistillirError: A score is not finite.
        """
        query = torch.from_numpy(np.array(self._encoder.encode(text)[0], dtype=np.float32))
        with torch.inference_mode():
            if self._cosine:
                query = torch.nn.functional.normalize(query, dim=0)
            found = [_product(part, query) for part in self._parts]
            if self._cosine:
                found = [scores / lengths for scores, lengths in zip(found, self._lengths, strict=True)]
            scores = torch.cat(found).numpy() if len(found) > 1 else found[0].numpy()
        if self._places is not None:
            scores = scores[self._places]
        if not np.isfinite(scores).all():
            raise DistillirError("a similarity is not finite", where=self.name, remedy="check the model")
        return best_rows(scores, depth)


def _product(vectors: torch.Tensor | NarrowVectors, query: torch.Tensor) -> torch.Tensor:
    """Scores [n] float32 of vectors [n, D]."""
    if isinstance(vectors, torch.Tensor) and vectors.dtype == torch.float32:
        return vectors @ query
    return torch.cat([block @ query for block in _blocks(vectors)])


def _lengths(vectors: torch.Tensor | NarrowVectors) -> torch.Tensor:
    """Lengths [n] of vectors [n, D], at least 1e-12, as torch's ``normalize`` has them."""
    return torch.cat([torch.linalg.vector_norm(block, dim=1) for block in _blocks(vectors)]).clamp(min=1e-12)


def _blocks(vectors: torch.Tensor | NarrowVectors) -> Iterator[torch.Tensor]:
    """Parts of vectors [n, D] as float32, at least one."""
    for start in range(0, max(len(vectors), 1), _BLOCK):
        if isinstance(vectors, NarrowVectors):
            yield vectors.tensor(start, start + _BLOCK, torch.device("cpu"))
        else:
            yield vectors[start : start + _BLOCK].float()
