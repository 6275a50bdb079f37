"""How much of a text a model reads: it truncates what is longer than its limit."""

from typing import Any


def reads_whole(model: Any, *texts: str, limit: int | None = None) -> bool:
    """Whether a text, or a query and a document read together, reaches a model untruncated.

    Args:
        model: A SentenceTransformer or CrossEncoder.
        texts: One text, or two that are joined by the tokenizer; prompts included.
        limit: Tokens, special ones included; where the model's own limit is lower, that one.
    """
    limits = [value for value in (limit, model.max_seq_length) if value is not None]
    if not limits:
        return True
    return len(model.tokenizer(*texts, truncation=False, verbose=False)["input_ids"]) <= min(limits)
