"""The attention that a student trains with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distillir.encoding.precision import Precision


@contextmanager
def fastest_attention(model: Any, precision: Precision) -> Iterator[None]:
    """Train with plain attention where that is faster, and give the model its own back.

    On a CPU in bf16, torch's fused attention has a slow backward pass (benchmarks/results/training_step.md). Elsewhere
    the model keeps what it has.

    Args:
        model: A SentenceTransformer.
        precision: What it trains in.
    """
    from transformers import PreTrainedModel

    encoders = [
        module
        for module in model.modules()
        if isinstance(module, PreTrainedModel) and module.config._attn_implementation == "sdpa"
    ]
    if model.device.type != "cpu" or precision != "bf16":
        encoders = []
    for encoder in encoders:
        encoder.set_attn_implementation("eager")
    try:
        yield
    finally:
        for encoder in encoders:
            encoder.set_attn_implementation("sdpa")
