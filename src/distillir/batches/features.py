"""Texts of a batch as features: each once, sorted by length, with the place of each."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from distillir.base.arrays import Rows
from distillir.students.chunks import Chunk, chunks


class TextFeatures(Protocol):
    """Features of a table's rows: `distillir.batches.tokens.TokenStore`, or what is kept of documents."""

    def lengths(self, rows: Rows) -> Any:
        """Tokens of each row [len(rows)]."""

    def batch(self, rows: Rows) -> dict[str, Any]:
        """Tensors [T, ...] of the rows in the order given, and constants."""


def sorted_features(store: TextFeatures, rows: Rows, prefix: str, budget: int) -> tuple[dict[str, Any], Rows]:
    """Features of distinct ``rows`` under ``prefix``, the chunks to encode them in, and the rows in their order."""
    ordered = rows[np.argsort(store.lengths(rows), kind="stable")]
    features = {f"{prefix}_{name}": value for name, value in store.batch(ordered).items()}
    features[f"{prefix}_chunks"] = chunks(store.lengths(ordered).tolist(), budget)
    return features, ordered


class Places:
    """Places of rows among the features."""

    def __init__(self, rows: Rows) -> None:
        self._order = np.argsort(rows, kind="stable")
        self._sorted = rows[self._order]

    def of(self, rows: Rows) -> Rows:
        """The place of each row; 0 for those that are not encoded, which are masked."""
        if not len(self._sorted):
            return np.zeros_like(rows)
        places = np.minimum(np.searchsorted(self._sorted, rows), len(self._sorted) - 1)
        return np.where(self._sorted[places] == rows, self._order[places], 0)


def features_of(inputs: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The features of a collated batch that were put under ``prefix``, without the chunks."""
    own = {name[len(prefix) + 1 :]: value for name, value in inputs.items() if name.startswith(f"{prefix}_")}
    own.pop("chunks")
    return own


def whole(ids: Tensor) -> Chunk:
    """All texts as one chunk."""
    return 0, int(ids.shape[0]), int(ids.shape[1])
