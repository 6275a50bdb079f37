"""Saving a model quietly: transformers shows a bar of its own for it wherever it is called outside the command line."""

import os
from typing import Any

from distillir.encoding.loading import quiet_libraries


def save_model(model: Any, folder: str | os.PathLike[str], **options: Any) -> None:
    """Save a model into a folder.

    Args:
        model: Of sentence-transformers or transformers.
        folder: Made if it is missing.
        options: Further arguments of its ``save_pretrained``.
    """
    with quiet_libraries():
        model.save_pretrained(os.fspath(folder), **options)
