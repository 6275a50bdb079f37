"""Keep some of an encoder's layers: the cheapest way to a smaller student."""

from typing import Any

import numpy as np
from torch import nn

from distillir.base.errors import DistillirError
from distillir.encoding.blocks import block_stacks


def kept_layers(total: int, keep: int) -> list[int]:
    """Indices of ``keep`` evenly spaced layers out of ``total``, the first and (from two on) the last among them."""
    return [int(i) for i in np.floor(np.linspace(0, total - 1, keep) + 0.5)] if keep > 1 else [0]


def slim(model: Any, layers: int) -> None:
    """Cut a SentenceTransformer's transformer to evenly spaced layers, in place.

    Args:
        model: A SentenceTransformer whose first module wraps a transformers encoder.
        layers: How many layers to keep, at least 1.

    Raises:
        DistillirError: The model has fewer layers, or no list of layers was found in it.
    """
    encoder = getattr(model[0], "auto_model", None)
    config = getattr(encoder, "config", None)
    total = getattr(config, "num_hidden_layers", None)
    if encoder is None or config is None or total is None:
        raise DistillirError(
            "this model has no transformer layers to cut", where="student.layers", remedy="leave it out"
        )
    if not 1 <= layers <= total:
        raise DistillirError(
            f"{layers} layers of a model that has {total}", where="student.layers", remedy=f"choose 1 to {total}"
        )
    stacks = block_stacks(encoder)
    if not stacks:
        raise DistillirError("found no list of layers in this model", where="student.layers", remedy="leave it out")
    kept = kept_layers(total, layers)
    for parent, name, child in stacks:
        setattr(parent, name, nn.ModuleList([child[i] for i in kept]))
    config.num_hidden_layers = layers
    if getattr(config, "layer_types", None):
        config.layer_types = [config.layer_types[i] for i in kept]
