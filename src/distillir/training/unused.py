"""Parameters of a student that its training never reaches, such as a BERT's pooler."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from accelerate.utils import send_to_device

from distillir.base.unreached import unreached_frozen
from distillir.training.loss import ExampleLoss


def unused_frozen(model: Any, loss: ExampleLoss, batch: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Ask no gradient of parameters that a batch does not reach; see `unreached_frozen`.

    Args:
        model: A SentenceTransformer.
        loss: Its loss.
        batch: What `distillir.training.collator.ExampleCollator` made.
    """
    return unreached_frozen(model, lambda: loss.reached(model, send_to_device(batch, model.device)))
