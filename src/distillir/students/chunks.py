"""Chunks: texts sorted by length, encoded a few at a time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

#: First text, end, and width in tokens.
Chunk = tuple[int, int, int]


def chunks(lengths: Sequence[int], budget: int) -> list[Chunk]:
    """Cut texts sorted by length into chunks (start, end, width in tokens) of at most ``budget`` padded tokens.

    A text longer than the budget makes a chunk of its own.
    """
    cut: list[Chunk] = []
    start = 0
    for end in range(1, len(lengths) + 1):
        if end == len(lengths) or (end + 1 - start) * lengths[end] > budget:
            cut.append((start, end, int(lengths[end - 1])))
            start = end
    return cut


def each_chunk(
    encode: Callable[[dict[str, Any]], Any], features: Mapping[str, Any], cut: Sequence[Chunk], recompute: bool
) -> list[Any]:
    """Apply ``encode`` to the features of each chunk; with ``recompute`` once more in the backward pass."""

    def one(start: int, end: int, width: int) -> Any:
        part = {
            name: value[start:end, :width] if isinstance(value, Tensor) and value.dim() == 2 else value
            for name, value in features.items()
        }
        return encode(part)

    if recompute and torch.is_grad_enabled():
        return [checkpoint(one, *chunk, use_reentrant=False) for chunk in cut]
    return [one(*chunk) for chunk in cut]
