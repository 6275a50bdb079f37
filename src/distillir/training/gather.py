"""Documents of all processes side by side, with gradients that find their way back."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from distillir.base.processes import rank, world_size
from distillir.training.collator import NOTHING


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


def with_other_processes(label: Mapping[str, Any]) -> Mapping[str, Any]:
    """The lists of a batch as they are compared: with what other processes' documents join them as negatives.

    Nothing needs to be encoded for that, so that what is counted and what is compared are the same.

    Args:
        label: What `distillir.training.collator.LessonCollator` made.

    Returns:
        The label itself with one process, without ``in_batch``, and where the documents have joined already. Else a
        label with a ``start``: ``index`` counts over what `gathered` makes of the document features, where those of
        this process begin at ``start``.
    """
    if world_size() == 1 or "rows" not in label:
        return label
    own = label["rows"]
    rows, texts = gathered(own), gathered(label["texts"])
    sizes = counts_of(len(own), own.device)
    start = sum(sizes[: rank()])
    places = torch.arange(len(rows), device=own.device)
    others = places[((places < start) | (places >= start + len(own))) & (rows >= 0)]
    theirs = rows[others]
    others = others[~torch.isin(theirs, own)]
    # Two other processes may have encoded the same document: the first one's joins.
    _, which = torch.unique(rows[others], return_inverse=True)
    first = torch.full((int(which.max()) + 1 if len(which) else 0,), len(rows), device=own.device)
    first = first.scatter_reduce(0, which, torch.arange(len(which), device=own.device), "amin")
    others = others[first]
    joins = ~(texts[others][None, :, None] == label["known"][:, None, :]).any(dim=2)
    # As in a batch of one process, none joins a list that a gate keeps back.
    joins &= label["mask"].any(dim=1, keepdim=True)
    shape = joins.shape
    least = torch.where(label["own"], label["teacher"], torch.inf).amin(dim=1, keepdim=True)
    nothing = torch.where(torch.isfinite(least), least - NOTHING, 0.0)
    more = {
        "index": others.expand(shape),
        "teacher": nothing.expand(shape),
        "labels": label["outside"].unsqueeze(1).expand(shape),
        "relevant": torch.zeros_like(joins),
        "mask": joins,
        "counted": joins,
        "own": torch.zeros_like(joins),
    }
    found = {name: value for name, value in label.items() if name not in ("rows", "texts", "known", "outside")}
    found |= {"index": label["index"] + start, "start": start}
    found |= {name: torch.cat([found[name], value.to(found[name].dtype)], dim=1) for name, value in more.items()}
    if "elsewhere" in label:
        held = label["own"] & torch.isin(own[label["index"]], theirs)
        found["elsewhere"] = torch.nn.functional.pad(label["elsewhere"] | held, (0, shape[1]))
    if "spared" in label:
        found["spared"] = torch.nn.functional.pad(label["spared"], (0, shape[1]))
    if "layers" in label:
        found["layers"] = torch.nn.functional.pad(label["layers"], (0, shape[1]))
    if "dark" in label:
        found["dark"] = {**label["dark"], "index": label["dark"]["index"] + start}
    return found
