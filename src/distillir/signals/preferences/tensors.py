"""Pairs and preferences as matrices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from distillir.collections.table import Rows
from distillir.retrieval.run import Scores


def pair_tensors(given: Sequence[tuple[Rows | None, Scores | None]]) -> dict[str, Any]:
    """``pairs`` long [B, M, 2], -1 for none, and ``preferences`` float32 [B, M], of the pairs of each list [B]."""
    most = max((len(pairs) for pairs, _ in given if pairs is not None), default=0)
    pairs = np.full((len(given), most, 2), -1, dtype=np.int64)
    preferences = np.full((len(given), most), 0.5, dtype=np.float32)
    for row, (own, preferred) in enumerate(given):
        if own is not None and preferred is not None:
            pairs[row, : len(own)], preferences[row, : len(own)] = own, preferred
    return {"pairs": torch.from_numpy(pairs), "preferences": torch.from_numpy(preferences)}
