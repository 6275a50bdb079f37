"""Parameters that a model's training never reaches, such as a BERT's pooler."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def unreached_frozen(model: Any, scores: Callable[[], torch.Tensor]) -> Iterator[None]:
    """Ask no gradient of parameters that scores do not depend on, and give them back.

    Several processes wait for the gradient of every parameter that asks for one. torch can look for unused ones by
    itself, but only in what comes out of the model that it wraps; the documents (and a document tower) go past that.

    Args:
        model: The model.
        scores: Computes what is compared, of any text.
    """
    torch.autograd.backward(scores().sum())
    unused = [parameter for parameter in model.parameters() if parameter.requires_grad and parameter.grad is None]
    model.zero_grad(set_to_none=True)
    for parameter in unused:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in unused:
            parameter.requires_grad_(True)
