"""The precision that a model's weights were saved in, by its files."""

import json
import os
from pathlib import Path
from typing import Any

from distillir.encoding.model_files import first_module_path, read_model_json, resolve_model

#: safetensors' words for floating-point numbers, and torch's.
_WORDS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def saved_in_half(name: str | os.PathLike[str]) -> bool:
    """Tell whether transformers, left to itself, would load a model in less than float32; see `saved_dtype`.

    Here weights are loaded in float32 (`distillir.encoding.models`), so that what earlier versions computed with such a
    model is another thing and has another name in the caches.
    """
    return saved_dtype(name) not in ("float32", "float64")


def saved_dtype(name: str | os.PathLike[str]) -> str:
    """The precision in which transformers, left to itself, would load a model: torch's word, such as ``bfloat16``.

    It takes what the configuration says (``dtype``, in older files ``torch_dtype``), or else the precision of the first
    weights.

    Args:
        name: A folder, alias or hub name. Of a hub model the configuration alone is read; where it is silent, float32
            is assumed, as it is of the years before configurations said it.

    Raises:
        DistillirError: There is no such model.
    """
    first = first_module_path(name)
    said = _said(read_model_json(name, f"{first}/config.json" if first else "config.json"))
    settings = read_model_json(name, f"{first}/sentence_bert_config.json" if first else "sentence_bert_config.json")
    for key in ("model_args", "model_kwargs"):  # sentence-transformers hands these on to transformers
        said = _said(settings.get(key) or {}) or said
    if said not in (None, "auto"):
        return str(said).removeprefix("torch.")
    found = _first_weights(Path(resolve_model(name)) / first)
    return "float32" if found is None else _WORDS.get(found, found)


def _said(config: dict[str, Any]) -> str | None:
    """The dtype that a configuration names; that of its text part in a composite one."""
    for part in (config, config.get("text_config")):
        if isinstance(part, dict) and isinstance(found := part.get("dtype") or part.get("torch_dtype"), str):
            return found
    return None


def _first_weights(folder: Path) -> str | None:
    """The dtype of the first floating-point tensor in a folder's safetensors file; None where there is none."""
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if size > file.stat().st_size:  # no such file: loading it says so
                return None
            try:
                header = json.loads(stream.read(size))
                kinds = [str(each.get("dtype")) for name, each in header.items() if name != "__metadata__"]
            except (ValueError, AttributeError):
                return None
        return next((kind for kind in kinds if kind.startswith(("F", "BF"))), None)
    return None
