"""Routes of models that encode queries and documents by different modules."""

from typing import Any, Literal

from distillir.base.errors import DistillirError


def check_route(model: Any, kind: Literal["query", "document"], name: str = "model") -> None:
    """Refuse texts that a model has no route for: documents, of a query encoder for vectors that were made elsewhere.

    Args:
        model: A SentenceTransformer.
        kind: What the texts are.
        name: The model's, for the message.

    Raises:
        DistillirError: It has none.
    """
    from sentence_transformers.base.modules import Router

    first = next(iter(model.children()), None)
    if isinstance(first, Router) and not first.route_mappings and kind not in first.sub_modules:
        one, other = ("documents", "queries") if kind == "document" else ("queries", "documents")
        raise DistillirError(
            f"encodes {other} alone: {one} were encoded elsewhere, by a model that is not known here",
            where=name,
            remedy=f"search the vectors of these {one}, or name a model that encodes them",
        )
