"""Two documents in one text, so that a cross-encoder reads both beside a query."""

from collections.abc import Sequence
from typing import Any

from distillir.encoding.reading import cut

QUERY_TOKENS = 64
# The first token, and one behind each of the three texts.
_SPECIAL_TOKENS = 5


class PairText:
    """A cutter of texts: both documents reach the model, whichever is longer, joined by its separator.

    As in duoBERT (Nogueira et al. 2019, arXiv 1910.14424, section 4): query, first and second document, parted by
    separators; the query is cut to 64 tokens and the documents to equal shares of the rest.

    Args:
        tokenizer: The model's (a fast one).
        max_length: Tokens of all three together.
    """

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.query_tokens = min(QUERY_TOKENS, max_length // 4)
        self.document_tokens = max(1, (max_length - self.query_tokens - _SPECIAL_TOKENS) // 2)

    def queries(self, texts: Sequence[str]) -> list[str]:
        """Queries, cut."""
        return cut(self.tokenizer, texts, self.query_tokens)

    def joined(self, first: Sequence[str], second: Sequence[str]) -> list[str]:
        """Aligned documents, cut and joined."""
        separator = f" {self.tokenizer.sep_token or self.tokenizer.eos_token or '|'} "
        left, right = (cut(self.tokenizer, texts, self.document_tokens) for texts in (first, second))
        return [separator.join(pair) for pair in zip(left, right, strict=True)]
