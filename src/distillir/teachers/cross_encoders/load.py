"""Loading of cross-encoders, and refusal of models that only look like one."""

import os
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.encoding.model_files import read_model_json, resolve_model
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.encoding.models import load_named

#: Lies in the folder of a cross-encoder that reads two documents beside a query.
PAIRWISE_FILE = "pairwise.json"

_REMEDY = "make one of it with distillir train-teacher, or name a cross-encoder"


def load_cross_encoder(
    name: str | os.PathLike[str],
    *,
    max_length: int | None = None,
    device: str | None = None,
    pairwise: bool = False,
    options: ModelOptions = PLAIN,
) -> Any:
    """Load a sentence-transformers CrossEncoder with one label, in evaluation mode.

    Args:
        name: Folder or hub name.
        max_length: Tokens of a pair at most (default: the model's own).
        device: A torch device; None takes `distillir.encoding.device.pick_device`.
        pairwise: Whether one is wanted that compares two documents.
        options: Its prompt, and whether code of its own may run.

    Raises:
        DistillirError: It cannot be loaded, has several labels or no trained scoring head, or compares two documents
            where one is to be scored.
    """
    check_cross_encoder(name, pairwise=pairwise)
    model = open_cross_encoder(name, max_length=max_length, device=device, options=options)
    if model.num_labels != 1:
        raise DistillirError(
            f"gives {model.num_labels} labels where a teacher gives one score",
            where=str(name),
            remedy="choose a cross-encoder with num_labels 1",
        )
    return model


def open_cross_encoder(
    name: str | os.PathLike[str],
    *,
    max_length: int | None = None,
    device: str | None = None,
    options: ModelOptions = PLAIN,
    **more: Any,
) -> Any:
    """Load a CrossEncoder of any encoder, with a new head where it has none; as `distillir.encoding.models.load_named`.

    Its prompt stands before the query: it becomes the default one, which is saved with the model.
    """
    from sentence_transformers import CrossEncoder

    model = load_named(CrossEncoder, name, max_length=max_length, device=device, options=options, **more)
    if options.query is not None:
        model.default_prompt_name = "query"
    return model


def pair_prompt(model: Any) -> str | None:
    """The default prompt that a CrossEncoder puts before every query; None where it has none."""
    default = getattr(model, "default_prompt_name", None)
    return model.prompts.get(default) if default is not None else None


def check_cross_encoder(name: str | os.PathLike[str], *, pairwise: bool = False) -> str:
    """The folder or hub name of a cross-encoder, by its files alone; arguments and errors as `load_cross_encoder`."""
    path = resolve_model(name)
    if not pairwise and (Path(path) / PAIRWISE_FILE).is_file():
        raise DistillirError(
            "compares two documents, and scores none by itself", where=str(name), remedy="name it under method.pairs"
        )
    if not _has_head(path):
        raise DistillirError(
            "is an encoder, no cross-encoder: its scores would be random", where=str(name), remedy=_REMEDY
        )
    return path


def is_cross_encoder(name: str | os.PathLike[str]) -> bool:
    """Tell whether a model's files say that it scores a document beside a query, by a trained head."""
    path = resolve_model(name)
    return _has_head(path) and not (Path(path) / PAIRWISE_FILE).is_file()


def _has_head(path: str) -> bool:
    """Tell whether a model's files say that it was saved with a head that gives scores.

    CrossEncoder itself loads any encoder, with a new random head and no more than a line in the log.
    """
    if read_model_json(path, "config_sentence_transformers.json").get("model_type") == "CrossEncoder":
        return True
    architectures = read_model_json(path, "config.json").get("architectures") or []
    return any(name.endswith(("ForSequenceClassification", "ForCausalLM")) for name in architectures)
