"""The transformer blocks of a model, and the output of each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from distillir.base.errors import DistillirError


def block_stacks(encoder: Any) -> list[tuple[nn.Module, str, nn.ModuleList]]:
    """Find the stacks of blocks of a transformers model: parent, name and list of each; empty where there is none."""
    total = getattr(getattr(encoder, "config", None), "num_hidden_layers", None)
    return [
        (parent, name, child)
        for parent in encoder.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == total
    ]


def blocks_of(encoder: Any, where: str) -> nn.ModuleList:
    """The one stack of blocks of a transformers encoder.

    Raises:
        DistillirError: It has none, or several (an encoder-decoder).
    """
    stacks = block_stacks(encoder) if isinstance(encoder, nn.Module) else []
    if len(stacks) != 1:
        raise DistillirError("found no list of layers in this model", where=where, remedy="choose another model")
    return stacks[0][2]


@contextmanager
def block_outputs(blocks: nn.ModuleList) -> Iterator[list[Tensor]]:
    """Collect the output [B, L, D] of each block, in order, while texts go through; embeddings are left out."""
    found: list[Tensor] = []

    def keep(_: nn.Module, __: Any, output: Any) -> None:
        found.append(output if isinstance(output, Tensor) else output[0])

    hooks = [block.register_forward_hook(keep) for block in blocks]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def pool_states(states: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """Pool states [B, L, D] to one vector a text [B, D], float32: the first token's (``cls``), or the ``mean``."""
    if pooling == "cls":
        return states[:, 0].float()
    weights = mask.unsqueeze(2).float()
    return (states.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
