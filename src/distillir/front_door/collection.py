"""``distillir.load_collection``."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from distillir.front_door.forms import as_collection
from distillir.front_door.one_line import one_line

if TYPE_CHECKING:
    from distillir.collections import Collection


@one_line
def load_collection(source: "str | os.PathLike[str] | Mapping[str, Any]", *, allow_code: bool = False) -> "Collection":
    """Open a collection: documents, queries, and judgements by split.

    It is imported on first use; a second load of the same files only opens it.

    Args:
        source: What a recipe has under ``collection:``: the path of a BEIR folder or of MS MARCO files, ``stdlib``,
            ``irds:ID``, ``hf:NAME``, or a mapping ``{"documents": file, "queries": file, "qrels": file}``.
            docs/collections.md shows each.
        allow_code: Whether Python code runs that is named as ``module:NAME``: read it before.

    Returns:
        The collection. ``corpus`` and ``queries`` are tables of texts (``len``, ``text(row)``, ``id(row)``),
        ``splits`` names the splits, ``qrels(split)`` gives judgements as aligned arrays [J].

    Raises:
        DistillirError: The source is missing or malformed; the message names file and line.

    Example:
        ```python
        import distillir

        collection = distillir.load_collection("mytext")
        print(len(collection.corpus), "documents;", collection.splits, collection.queries.text(0))
        ```
    """
    return as_collection(source)
