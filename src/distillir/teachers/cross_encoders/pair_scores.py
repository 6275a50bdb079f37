"""Raw logits of text pairs, in length-sorted batches under a token budget."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores
from distillir.base.errors import DistillirError
from distillir.encoding.batches import default_batch_tokens, token_batches
from distillir.encoding.precision import autocast, resolve_precision
from distillir.teachers.cross_encoders.load import pair_prompt

PRECISIONS = ("auto", "float32", "bf16", "int8")
# Heads that read the first token alone (transformers' *ForSequenceClassification of these model types).
_FIRST_TOKEN_HEADS = {"bert", "roberta", "xlm-roberta", "electra", "camembert"}


def resolve_pair_precision(precision: str, device: Any) -> str:
    """``float32``, ``bf16`` or ``int8`` for a precision as a recipe names it.

    Raises:
        DistillirError: An unknown precision, or int8 elsewhere than on a CPU.
    """
    import torch

    if precision not in PRECISIONS:
        raise DistillirError(f"unknown precision {precision!r}", remedy=f"choose one of: {', '.join(PRECISIONS)}")
    if precision != "int8":
        return resolve_precision(precision, device)
    if torch.device(device).type != "cpu":
        raise DistillirError("precision int8 is for CPUs", remedy="choose auto: bf16 is fast on a GPU")
    return "int8"


def score_pairs(
    model: Any,
    pairs: Sequence[tuple[str, str]],
    *,
    batch_tokens: int | None = None,
    precision: str = "auto",
    wanted: Callable[[Rows], Flags] | None = None,
) -> Iterator[tuple[Rows, Scores]]:
    """Score pairs of texts, the longest first.

    Args:
        model: A CrossEncoder with one label (see `distillir.teachers.cross_encoders.load`); with ``int8`` a quantised
            copy of it is made for this call.
        pairs: (query, document) texts [N].
        batch_tokens: Padded tokens per batch (default: by device).
        precision: As in `CrossEncoderTeacher`.
        wanted: Told the places of each batch, in their order, which of them are scored (a mask); None: all.

    Yields:
        Places [B] in ``pairs`` and their raw logits [B], float32; all batches together hold each place once.
    """
    import torch
    from sentence_transformers.util import batch_to_device

    device = model.device
    resolved = resolve_pair_precision(precision, device)
    model.eval()
    runner = quantised(model) if resolved == "int8" else model
    budget = batch_tokens or default_batch_tokens(device)
    batches = token_batches(model, pairs, batch_tokens=budget, prompt=pair_prompt(model))
    for places, features in batches:
        if wanted is not None:
            scored = wanted(places)
            if not scored.any():
                continue
            if not scored.all():
                places, features = places[scored], _rows(features, scored)
        with (
            torch.inference_mode(),
            first_token_only(runner),
            autocast("bf16" if resolved == "bf16" else "float32", device),
        ):
            logits = runner(batch_to_device(features, device))["scores"]
        yield places, np.asarray(logits.float().cpu().numpy().reshape(len(places)), dtype=np.float32)


def _rows(features: dict[str, Any], chosen: Flags) -> dict[str, Any]:
    """The features of some inputs of a batch."""
    import torch

    rows, size = torch.from_numpy(np.flatnonzero(chosen)), len(chosen)
    return {
        name: value[rows] if isinstance(value, torch.Tensor) and value.ndim and len(value) == size else value
        for name, value in features.items()
    }


@contextmanager
def first_token_only(model: Any) -> Iterator[None]:
    """Let the last layer compute the first token alone after its attention, if the head reads nothing else.

    The scores are the same: in these models no token's feed-forward part looks at another token.
    """
    last = _last_layer(model)
    if last is None:
        yield
        return
    hook = last.attention.output.register_forward_pre_hook(lambda _, given: tuple(states[:, :1] for states in given))
    try:
        yield
    finally:
        hook.remove()


def _last_layer(model: Any) -> Any:
    inner: Any = getattr(model, "transformers_model", None)
    config = getattr(inner, "config", None)
    if config is None or config.model_type not in _FIRST_TOKEN_HEADS or getattr(config, "output_hidden_states", False):
        return None
    if not type(inner).__name__.endswith("ForSequenceClassification"):
        return None
    layers = getattr(getattr(getattr(inner, inner.base_model_prefix, None), "encoder", None), "layer", None)
    return layers[-1] if layers is not None and len(layers) else None


def quantised(model: Any) -> Any:
    """A copy of a model whose linear layers hold int8 weights and quantise their input as it comes (CPU)."""
    import copy
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao announces its move to torchao.
        quantise: Any = torch.ao.quantization.quantize_dynamic
        return quantise(copy.deepcopy(model), {torch.nn.Linear}, dtype=torch.qint8)
