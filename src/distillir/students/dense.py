"""Dense students: texts to vectors in length-sorted chunks, vectors to scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

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


def embed(
    model: Any,
    features: Mapping[str, Any],
    cut: Sequence[Chunk],
    *,
    task: str | None = None,
    recompute: bool = False,
) -> Tensor:
    """Encode texts chunk by chunk.

    Args:
        model: A SentenceTransformer, possibly wrapped for several processes.
        features: What the collator made: token tensors [T, L] right-padded, and constants.
        cut: See `chunks`.
        task: ``query`` or ``document``: which tower the texts take, where a model has two.
        recompute: Keep no activations but one chunk's: the backward pass encodes each chunk again (what GradCache,
            arXiv 2101.06983, does, by way of torch's checkpointing, so that it holds under DDP and autocast too).

    Returns:
        Vectors [T, D], float32, in the order of ``features``.
    """

    def one(start: int, end: int, width: int) -> Tensor:
        part = {
            name: value[start:end, :width] if isinstance(value, Tensor) and value.dim() == 2 else value
            for name, value in features.items()
        }
        vectors: Tensor = model(part, task=task)["sentence_embedding"]
        return vectors.float()

    if recompute and torch.is_grad_enabled():
        return torch.cat([checkpoint(one, *chunk, use_reentrant=False) for chunk in cut])
    return torch.cat([one(*chunk) for chunk in cut])


def scores(queries: Tensor, documents: Tensor, *, cosine: bool) -> Tensor:
    """Scores [Q, T] of every query vector [Q, D] with every document vector [T, D], in float32."""
    with torch.autocast(queries.device.type, enabled=False):
        queries, documents = queries.float(), documents.float()
        if cosine:
            queries = torch.nn.functional.normalize(queries, dim=-1)
            documents = torch.nn.functional.normalize(documents, dim=-1)
        return queries @ documents.T
