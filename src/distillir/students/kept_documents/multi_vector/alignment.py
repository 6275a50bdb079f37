"""Token vectors of two models side by side: those of tokens that both have in the same place of a query."""

from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.encoding.store import Vectors
from distillir.encoding.token_vectors import token_arrays

#: Texts whose tokens are made together.
_TEXTS = 256


def aligned(
    encoder: Any, student: Any, documents: Any, texts: list[str], wanted: list[Vectors]
) -> tuple[Vectors, Vectors, float]:
    """Token vectors of queries by a student and by a documents' model, token by token.

    Markers may differ, and how far queries are filled up: what is compared is where both have the same token.

    Args:
        encoder: Gives the student's vectors: itself, or a part of it.
        student: Its tokens.
        documents: The documents' model.
        texts: Queries, at least one.
        wanted: Its token vectors of these, [tokens, D] each.

    Returns:
        The student's vectors [N, W] and the others [N, D] of the tokens that both have, and the share of the documents'
        model's tokens that these are.
    """
    arrays = token_arrays(encoder, texts, "query", "float32")
    given = np.split(arrays["vectors"], arrays["ends"][:-1])
    pairs: list[tuple[Vectors, Vectors]] = [(given[0][:0], wanted[0][:0])]
    for one, other, ids, theirs in zip(
        given, wanted, counted_tokens(student, texts), counted_tokens(documents, texts), strict=True
    ):
        if len(one) != len(ids) or len(other) != len(theirs):
            continue  # a model that gives fewer vectors than it reads tokens
        both = min(len(ids), len(theirs))
        same = ids[:both] == theirs[:both]
        pairs.append((one[:both][same], other[:both][same]))
    start, aim = (np.concatenate(vectors) for vectors in zip(*pairs, strict=True))
    return start, aim, len(start) / max(sum(len(one) for one in wanted), 1)


def counted_tokens(model: Any, texts: list[str]) -> list[npt.NDArray[np.int64]]:
    """Ids of the tokens of each query that has a vector by a MultiVectorEncoder; the model itself is not run."""
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    from distillir.encoding.vectors import prompt_for

    found, masks = [], [module for module in model.modules() if isinstance(module, MultiVectorMask)]
    for start in range(0, len(texts), _TEXTS):
        part = texts[start : start + _TEXTS]
        features = model.preprocess(part, prompt=prompt_for(model, "query") or None, task="query")
        for mask in masks:
            features = mask(features, task="query")
        counted = features["attention_mask"].bool()
        found += [ids[own].numpy() for ids, own in zip(features["input_ids"], counted, strict=True)]
    return found
