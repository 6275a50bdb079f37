"""Cutting documents so that the end of a prompt is always read."""

from collections.abc import Sequence

from distillir.encoding.reading import cut, fits
from distillir.language_models.local import LanguageModel
from distillir.language_models.prompt import Prompt, folded

QUERY_TOKENS = 64


class Fitted:
    """A prompt for a loaded model: the query is cut to 64 tokens, documents to equal shares of what is left.

    Args:
        prompt: The question.
        loaded: The model.
        max_length: Tokens of the whole at most.
    """

    def __init__(self, prompt: Prompt, loaded: LanguageModel, max_length: int) -> None:
        self.prompt, self.loaded = prompt, loaded
        documents = len(prompt.fields) - 1
        frame = len(loaded.ids([loaded.wrapped(prompt.text(*[""] * (1 + documents)), prompt.cue)])[0])
        self.query_tokens = min(QUERY_TOKENS, max_length // 4)
        # Two tokens a text to spare: what is joined may be split otherwise than alone.
        spare = 2 * (1 + documents)
        self.document_tokens = max(1, (max_length - frame - self.query_tokens - spare) // documents)

    def ids(self, queries: Sequence[str], documents: Sequence[tuple[str, ...]]) -> list[list[int]]:
        """Token ids of aligned questions."""
        tokenizer = self.loaded.tokenizer
        asked = cut(tokenizer, [folded(query) for query in queries], self.query_tokens)
        columns = [
            cut(tokenizer, [folded(text) for text in column], self.document_tokens)
            for column in zip(*documents, strict=True)
        ]
        texts = [self.prompt.text(*row) for row in zip(asked, *columns, strict=True)]
        return self.loaded.ids([self.loaded.wrapped(text, self.prompt.cue) for text in texts])

    def reads(self, document: str) -> bool:
        """Tell whether a document is read to its end."""
        return fits(self.loaded.tokenizer, folded(document), self.document_tokens)
