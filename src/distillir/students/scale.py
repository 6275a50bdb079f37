"""Temperature and learning rate by a student's own scale: its similarity and its width."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillir.encoding.model_files import first_module_path, read_model_json, resolve_model

#: Of cosines, which lie in [-1, 1]: CADET, arXiv 2505.19274. Sums over tokens or terms are compared as they are.
COSINE_TEMPERATURE = 0.05
#: Width at which `RATE` is the peak rate. Rates fall with the power `FALL` of the width: 1e-4 at 384, 3e-5 at 768.
#: Measured on three collections at 128 (benchmarks/results/default.md), on one at 384.
WIDTH, RATE, FALL = 128, 7e-4, 1.8
#: What configurations call the width.
_WIDTHS = ("hidden_size", "dim", "d_model", "n_embd")
#: Where a model's files do not tell its width.
_UNKNOWN_RATE = 5e-5


def own_rate(model: str | os.PathLike[str], rate: float = RATE, fall: float = FALL) -> float:
    """AdamW's peak learning rate by the width of a student (ours): 7e-4 x (128 / width) ** 1.8, two digits.

    Args:
        model: Folder, alias or hub name of the student.
        rate: The rate at a width of 128.
        fall: The power by which it falls with the width.
    """
    first = first_module_path(model)
    width = _width(read_model_json(model, f"{first}/config.json" if first else "config.json"))
    folder = Path(resolve_model(model))
    for file in sorted(folder.glob("*/config.json")) if not width else ():  # towers: the first part that has one
        width = width or _width(read_model_json(model, file.relative_to(folder).as_posix()))
    return float(f"{rate * (WIDTH / width) ** fall:.2g}") if width > 0 else _UNKNOWN_RATE


def _width(config: Mapping[str, Any]) -> int:
    """The width of a model by its configuration; 0 where it does not say."""
    whole = {**config, **(config.get("text_config") or {})}
    return next((whole[key] for key in _WIDTHS if isinstance(whole.get(key), int)), 0)
