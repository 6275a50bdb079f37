"""Length-sorted batches under a token budget, for any sentence-transformers model."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.encoding.reading import within_reach

INPUTS_PER_CALL = 2048
# Inputs per batch where a model's features are no padded matrix that could be cut.
_UNCUT = 64


def default_batch_tokens(device: Any) -> int:
    """Padded tokens per batch: few enough for a CPU's caches, or enough to keep a GPU busy."""
    import torch

    return 4096 if torch.device(device).type == "cpu" else 65_536


def token_batches(
    model: Any, inputs: Sequence[Any], *, batch_tokens: int, prompt: str | None = None, task: str | None = None
) -> Iterator[tuple[Rows, dict[str, Any]]]:
    """Tokenise inputs in large chunks and yield batches of similar length, the longest first.

    Inputs are sorted by characters, tokenised `INPUTS_PER_CALL` at a time by the model's own ``preprocess`` (prompts,
    chat templates and truncation are its business), sorted by tokens and cut where rows x longest row would pass
    ``batch_tokens``; columns that only pad are cut away.

    Args:
        model: A SentenceTransformer or CrossEncoder.
        inputs: Texts, or pairs of texts.
        batch_tokens: Padded tokens per batch at most; a single longer input is a batch of its own.
        prompt: Put before the texts.
        task: ``query``, ``document`` or None; passed on to the model.

    Yields:
        Positions [B] in ``inputs`` and the features of that batch, on the CPU.
    """
    extra = {} if task is None else {"task": task}
    for chunk in input_chunks(inputs):
        read = within_reach(model, [inputs[i] for i in chunk])
        # One text shows what the model makes of texts: what cannot be cut apart is not tokenised twice.
        if _in_rows(model.preprocess(read[:1], prompt=prompt, **extra), 1):
            features = model.preprocess(read, prompt=prompt, **extra)
            rows = _in_rows(features, len(chunk))
        else:
            rows = False
        if not rows:
            for part in range(0, len(chunk), _UNCUT):
                some = slice(part, part + _UNCUT)
                yield chunk[some], model.preprocess(read[some], prompt=prompt, **extra)
            continue
        mask = features["attention_mask"]
        lengths = mask.sum(dim=1).numpy()
        left = bool((mask[:, 0] == 0).any())
        for places in budget_groups(lengths, batch_tokens):
            yield chunk[places], _cut(features, mask.shape, places, int(lengths[places].max()), left)


def input_chunks(inputs: Sequence[Any]) -> Iterator[Rows]:
    """Places of inputs that are tokenised together, the longest first; one of them alone makes the same batches."""
    order = np.argsort([-_characters(value) for value in inputs], kind="stable")
    for start in range(0, len(order), INPUTS_PER_CALL):
        yield order[start : start + INPUTS_PER_CALL]


def budget_groups(lengths: npt.NDArray[Any], batch_tokens: int) -> Iterator[Rows]:
    """Group places by length, descending, so that size x longest of each group stays within ``batch_tokens``.

    Args:
        lengths: Tokens of each input [N].
        batch_tokens: The budget; a single input above it is a group of its own.

    Yields:
        Places in ``lengths``; all of them together are each place once.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    start = 0
    while start < len(order):
        size = max(1, batch_tokens // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def _in_rows(features: dict[str, Any], count: int) -> bool:
    """Tell whether features are tensors of one padded row a text, which may be cut apart."""
    mask = features.get("attention_mask")
    return mask is not None and mask.ndim == 2 and len(mask) == count and "query_expansion_positions" not in features


def _cut(features: dict[str, Any], shape: Any, places: Rows, width: int, left: bool) -> dict[str, Any]:
    """Rows ``places`` of padded features, without the columns that only pad."""
    import torch

    chosen = torch.from_numpy(places)
    columns = slice(shape[1] - width, None) if left else slice(0, width)
    batch: dict[str, Any] = {}
    for name, value in features.items():
        if isinstance(value, torch.Tensor) and value.ndim and len(value) == shape[0]:
            value = value[chosen]
            batch[name] = value[:, columns] if value.ndim > 1 and value.shape[1] == shape[1] else value
        else:
            batch[name] = value
    return batch


def _characters(value: Any) -> int:
    return len(value) if isinstance(value, str) else sum(len(part) for part in value)
