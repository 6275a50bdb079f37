"""Rows of all processes side by side, with gradients that find their way back."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from distillir.base.processes import rank, world_size


class _Gather(torch.autograd.Function):
    """Rows of all processes [sum of n, ...]; the gradient of a row is the sum of all processes' to the one it is of."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, sizes: list[int]) -> Tensor:
        ctx.start, ctx.size = sum(sizes[: rank()]), sizes[rank()]
        padded = rows.new_zeros((max(sizes), *rows.shape[1:]))
        padded[: len(rows)] = rows
        found = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(found, padded)
        return torch.cat([part[:size] for part, size in zip(found, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient = gradients[0].contiguous()
        dist.all_reduce(gradient)
        return gradient[ctx.start : ctx.start + ctx.size], None


def counts_of(rows: int, device: torch.device) -> list[int]:
    """How many rows each process has."""
    sizes = [torch.zeros(1, dtype=torch.long, device=device) for _ in range(world_size())]
    dist.all_gather(sizes, torch.tensor([rows], device=device))
    return [int(size) for size in sizes]


def gathered(encoded: Any, dim: int = 0) -> Any:
    """Encodings of all processes, by process: a tensor along ``dim``, or a list of one tensor a text.

    Every process must come here equally often and in the same order.
    """
    if isinstance(encoded, Tensor):
        rows = encoded.transpose(0, dim).contiguous()
        whole: Tensor = _Gather.apply(rows, counts_of(len(rows), rows.device))  # type: ignore[no-untyped-call]
        return whole.transpose(0, dim)
    lengths = gathered(torch.tensor([len(text) for text in encoded], device=encoded[0].device))
    return list(gathered(torch.cat(list(encoded))).split(lengths.tolist()))


def gathered_layers(states: Any) -> Any:
    """Layers' states of documents of all processes."""
    return gathered(states, dim=1) if isinstance(states, Tensor) else [gathered(layer) for layer in states]


def average_gradients(parameters: Sequence[Tensor], processes: int) -> None:
    """Give each parameter the mean of its gradients in all processes, where any of them has one.

    A process without one counts as 0 and takes part: the others would wait for it for ever.

    Args:
        parameters: In the same order in every process.
        processes: How many there are.
    """
    if not parameters:
        return
    reached = torch.tensor([one.grad is not None for one in parameters], dtype=torch.int, device=parameters[0].device)
    dist.all_reduce(reached)
    for parameter, anywhere in zip(parameters, reached.tolist(), strict=True):
        if anywhere:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            dist.all_reduce(parameter.grad)
            parameter.grad /= processes
