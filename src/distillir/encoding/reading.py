"""How much of a text a model reads: it truncates what is longer than its limit."""

from collections.abc import Sequence
from typing import Any

# Of a long text so many characters are tokenised at first; where they are too few tokens, more.
_CHARACTERS_PER_TOKEN = 12
# Text with fewer tokens than that is blank, or one endless word: as good as read.
_MOST_CHARACTERS_PER_TOKEN = 1000
_TEXTS_AT_ONCE = 64


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


def characters_read(tokenizer: Any, texts: Sequence[str], rooms: Sequence[int]) -> list[int]:
    """How many characters of each text are in its first ``rooms`` tokens, special ones not counted.

    Of long texts no more is tokenised than that takes, so that one of megabytes costs what a short one does.

    Args:
        tokenizer: The model's; of one that is not fast, lengths are estimated by its count of tokens.
        texts: The texts [N].
        rooms: Tokens that are read of each [N].
    """
    ends = [len(text) for text in texts]
    # A token stands for a byte or more, but for one that some put before a text.
    pending = [
        place
        for place, (text, room) in enumerate(zip(texts, rooms, strict=True))
        if len(text) >= room or len(text.encode("utf-8", "surrogatepass")) >= room
    ]
    characters = _CHARACTERS_PER_TOKEN
    while pending and characters <= _MOST_CHARACTERS_PER_TOKEN:
        left = []
        for start in range(0, len(pending), _TEXTS_AT_ONCE):
            places = pending[start : start + _TEXTS_AT_ONCE]
            parts = [texts[place][: characters * (rooms[place] + 16)] for place in places]
            most = max(rooms[place] for place in places)
            for place, part, found in zip(places, parts, _token_ends(tokenizer, parts, most + 1), strict=True):
                if len(found) > rooms[place]:
                    ends[place] = found[rooms[place] - 1] if rooms[place] > 0 else 0
                elif len(part) < len(texts[place]):
                    left.append(place)
        pending, characters = left, 8 * characters
    return ends


def _token_ends(tokenizer: Any, texts: list[str], tokens: int) -> list[list[int]]:
    """Where each of at most ``tokens`` tokens of each text ends, in characters."""
    options = {"add_special_tokens": False, "truncation": True, "max_length": tokens, "verbose": False}
    if getattr(tokenizer, "is_fast", False):
        read = tokenizer(texts, return_offsets_mapping=True, **options)["offset_mapping"]
        return [[end for _, end in offsets] for offsets in read]
    whole = [len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]) for text in texts]
    return [
        [len(text) * (number + 1) // count for number in range(min(count, tokens))]
        for text, count in zip(texts, whole, strict=True)
    ]


def _limit(model: Any, limit: int | None) -> int | None:
    return min((value for value in (limit, model.max_seq_length) if value is not None), default=None)
