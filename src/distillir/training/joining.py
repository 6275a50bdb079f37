"""Documents of other processes join the lists of a batch as negatives."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from distillir.base.processes import rank, world_size
from distillir.batches.gather import counts_of, gathered
from distillir.batches.lists import NOTHING

if TYPE_CHECKING:
    from distillir.signals.signal_training import SignalTraining


def with_other_processes(label: Mapping[str, Any], signals: "Sequence[SignalTraining]" = ()) -> Mapping[str, Any]:
    """The lists of a batch as they are compared: with what other processes' documents join them as negatives.

    Nothing needs to be encoded for that, so that what is counted and what is compared are the same.

    Args:
        label: What `distillir.training.collator.LessonCollator` made.
        signals: Those of the training, whose own matrices widen too.

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
    for signal in signals:
        found |= signal.joined(found, shape[1])
    return found
