"""Load a cross-encoder, and refuse what would only look like one."""

import os
from pathlib import Path
from typing import Any

from distillir.encoding.device import pick_device
from distillir.encoding.loading import one_line_errors
from distillir.encoding.model_files import resolve_model
from distillir.encoding.models import set_max_length
from distillir.errors import DistillirError

#: Lies in the folder of a cross-encoder that reads two documents beside a query.
PAIRWISE_FILE = "pairwise.json"

_REMEDY = "make one of it with distillir train-teacher, or name a cross-encoder"


def load_cross_encoder(
    name: str | os.PathLike[str],
    *,
    max_length: int | None = None,
    device: str | None = None,
    pairwise: bool = False,
) -> Any:
    """Load a sentence-transformers CrossEncoder with one label, in evaluation mode.

    Args:
        name: Folder or hub name.
        max_length: Tokens of a pair at most (default: the model's own).
        device: A torch device; None takes `distillir.encoding.device.pick_device`.
        pairwise: Whether one is wanted that compares two documents.

    Raises:
        DistillirError: It cannot be loaded, has several labels or no trained scoring head, or compares two documents
            where one is to be scored.
    """
    from sentence_transformers import CrossEncoder

    path = check_cross_encoder(name, pairwise=pairwise)
    with one_line_errors(str(name)):
        model = CrossEncoder(path, device=device or pick_device())
    if model.num_labels != 1:
        raise DistillirError(
            f"gives {model.num_labels} labels where a teacher gives one score",
            where=str(name),
            remedy="choose a cross-encoder with num_labels 1",
        )
    if max_length is not None:
        set_max_length(model, max_length, str(name))
    model.eval()
    return model


def check_cross_encoder(name: str | os.PathLike[str], *, pairwise: bool = False) -> str:
    """The folder or hub name of a cross-encoder, by its files alone; arguments and errors as `load_cross_encoder`."""
    path = resolve_model(name)
    if not pairwise and (Path(path) / PAIRWISE_FILE).is_file():
        raise DistillirError(
            "compares two documents, and scores none by itself", where=str(name), remedy="name it under method.pairs"
        )
    with one_line_errors(str(name)):
        if not _has_head(path):
            raise DistillirError(
                "is an encoder, no cross-encoder: its scores would be random", where=str(name), remedy=_REMEDY
            )
    return path


def _has_head(path: str) -> bool:
    """Whether a model's files say that it was saved with something that gives scores.

    CrossEncoder itself loads any encoder, with a new random head and no more than a line in the log.
    """
    import json

    from transformers.utils import cached_file

    def read(file: str) -> dict[str, Any]:
        found = cached_file(path, file, _raise_exceptions_for_missing_entries=False)
        if found is None:
            return {}
        with open(found, encoding="utf-8") as stream:  # noqa: PTH123
            value: dict[str, Any] = json.load(stream)
        return value

    if read("config_sentence_transformers.json").get("model_type") == "CrossEncoder":
        return True
    architectures = read("config.json").get("architectures") or []
    return any(name.endswith(("ForSequenceClassification", "ForCausalLM")) for name in architectures)
