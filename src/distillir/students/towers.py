"""Two towers: queries and documents encoded by different modules."""

import copy
from typing import Any

import torch

from distillir.base.errors import DistillirError


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
        modules=[router],
        similarity_fn_name=model.similarity_fn_name,
        prompts=model.prompts,
        device=str(model.device),
        trust_remote_code=model.trust_remote_code,
    )
    towers.default_prompt_name = model.default_prompt_name
    return towers


def inference_free(model: Any) -> Any:
    """A SparseEncoder whose queries are looked up: a weight for each of their words, trained, and no model runs.

    The weights start at 1. Documents are encoded as before. A model that looks its queries up already stays as it is.

    Args:
        model: A SparseEncoder.

    Raises:
        DistillirError: It has two encoders already.

    Source:
        Formal et al. 2021 (SPLADE-doc, arXiv 2109.10086); Geng et al. 2024 (learned weights, arXiv 2411.04403).
    """
    from sentence_transformers import SparseEncoder
    from sentence_transformers.base.modules import Router
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding

    if looks_up_queries(model):
        return model
    if has_towers(model):
        raise DistillirError("this model has separate towers already", where="student.towers", remedy="leave it out")
    words = model[-1].get_embedding_dimension()
    queries = SparseStaticEmbedding(model.tokenizer, weight=torch.ones(words))
    router = Router.for_query_document([queries], list(model.children()))
    towers = SparseEncoder(
        modules=[router],
        prompts=model.prompts,
        device=str(model.device),
        trust_remote_code=model.trust_remote_code,
    )
    towers.default_prompt_name = model.default_prompt_name
    return towers


def looks_up_queries(model: Any) -> bool:
    """Tell whether a sparse model looks its queries up, without running a model."""
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding

    return any(isinstance(module, SparseStaticEmbedding) for module in model.modules())


def has_towers(model: Any) -> bool:
    """Tell whether a SentenceTransformer encodes queries and documents by different modules."""
    from sentence_transformers.base.modules import Router

    return any(isinstance(module, Router) for module in model.children())
