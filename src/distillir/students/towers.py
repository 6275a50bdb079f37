"""Separate towers: a query encoder and a document encoder that start alike and are trained apart."""

import copy
from typing import Any

from distillir.errors import DistillirError


def separate(model: Any) -> Any:
    """A SentenceTransformer whose queries and documents take encoders of their own, both copies of ``model``'s.

    Trained so by CL-DRD's authors (their ``share_weights`` is off). It saves and loads as any other; texts go in by
    ``encode_query`` and ``encode_document``.

    Args:
        model: A SentenceTransformer of one tower.

    Raises:
        DistillirError: It has two already.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router

    if has_towers(model):
        raise DistillirError("this model has separate towers already", where="student.towers", remedy="leave it out")
    documents = copy.deepcopy(model)
    router = Router.for_query_document(list(model.children()), list(documents.children()))
    towers = SentenceTransformer(
        modules=[router], similarity_fn_name=model.similarity_fn_name, prompts=model.prompts, device=str(model.device)
    )
    towers.default_prompt_name = model.default_prompt_name
    return towers


def has_towers(model: Any) -> bool:
    """Whether a SentenceTransformer encodes queries and documents by different modules."""
    from sentence_transformers.base.modules import Router

    return any(isinstance(module, Router) for module in model.children())
