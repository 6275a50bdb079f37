"""How much of a text a model reads: it truncates what is longer than its limit."""

from collections.abc import Sequence
from typing import Any


def reads_whole(model: Any, *texts: str, limit: int | None = None) -> bool:
    """Whether a text, or a query and a document read together, reaches a model untruncated.

    Args:
        model: A SentenceTransformer or CrossEncoder.
        texts: One text, or two that are joined by the tokenizer; prompts included.
        limit: Tokens, special ones included; where the model's own limit is lower, that one.
    """
    most = _limit(model, limit)
    return most is None or len(model.tokenizer(*texts, truncation=False, verbose=False)["input_ids"]) <= most


def tokens_read(model: Any, text: str, *, limit: int | None = None) -> tuple[int, ...]:
    """The tokens of a text that reach a model; arguments as `reads_whole`."""
    most = _limit(model, limit)
    return tuple(model.tokenizer(text, truncation=most is not None, max_length=most, verbose=False)["input_ids"])


def cut(tokenizer: Any, texts: Sequence[str], tokens: int) -> list[str]:
    """Texts up to the end of their ``tokens``-th token, special ones not counted.

    Args:
        tokenizer: A fast one.
        texts: What is cut.
        tokens: How many are kept at most.
    """
    if not texts:
        return []
    read = tokenizer(
        list(texts), add_special_tokens=False, truncation=True, max_length=tokens, return_offsets_mapping=True
    )
    ends = [offsets[-1][1] if offsets else 0 for offsets in read["offset_mapping"]]
    return [text[:end] for text, end in zip(texts, ends, strict=True)]


def _limit(model: Any, limit: int | None) -> int | None:
    return min((value for value in (limit, model.max_seq_length) if value is not None), default=None)
