"""The part of a text that a model reads: it truncates what is longer than its limit.

A tokenizer reads a text to its end before it truncates: megabytes for a few hundred tokens, again and again where parts
of a text are tried. Here long texts are cut by characters first, so far behind what is read that nothing changes.
"""

from collections.abc import Sequence
from math import inf
from typing import Any

#: Characters that a token is thought to have at most, and tokens beyond those that are wanted. Where a text has longer
#: ones (a word of a thousand letters may be one unknown token) the cut is found out to be short, and made longer.
CHARACTERS_A_TOKEN = 8
SPARE_TOKENS = 32
# Text of fewer tokens than one in so many characters is blank, or one endless word.
_MOST_CHARACTERS_A_TOKEN = 1000
_TEXTS_AT_ONCE = 64


def shorten_text(tokenizer: Any, text: str, tokens: int | None, characters: int = CHARACTERS_A_TOKEN) -> str:
    """The beginning of a text, in which at least the first ``tokens`` tokens are those of the whole text.

    What is tokenised to find out grows with ``tokens`` and not with the text. The cut is at white space, where
    tokenizers begin anew; of writing without any it lies `SPARE_TOKENS` behind what is read. Text that is blank, or one
    word, for hundreds of thousands of characters stays whole.

    Args:
        tokenizer: transformers'; of another kind, or one that cuts texts at their beginning: the text stays whole.
        text: A text.
        tokens: How many are read, special ones not counted; None: all.
        characters: Texts of fewer characters than this times ``tokens`` (and `SPARE_TOKENS` more) stay whole.
    """
    if tokens is None or not callable(tokenizer) or getattr(tokenizer, "truncation_side", None) != "right":
        return text
    head = _head(tokenizer, text, tokens, characters)
    return text if head is None else head


def _head(tokenizer: Any, text: str, tokens: int, characters: int = CHARACTERS_A_TOKEN) -> str | None:
    """The beginning of a text, or all of a short one; None where it has hardly any tokens."""
    while characters <= _MOST_CHARACTERS_A_TOKEN:
        end = characters * (tokens + SPARE_TOKENS)
        if end >= len(text):
            return text
        space = max(text.rfind(mark, end // 2, end) for mark in " \n\t")
        head = text[: space if space > 0 else end]
        ids = tokenizer(head, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
        if len(ids) >= tokens + SPARE_TOKENS:
            return head
        characters *= 4
    return None


def within_reach(model: Any, inputs: Sequence[Any]) -> list[Any]:
    """Inputs of a model, `shorten_text`: its ``preprocess`` makes the same features of them.

    Args:
        model: A SentenceTransformer or CrossEncoder.
        inputs: Texts, or pairs of texts, of which the second is shortened.
    """
    reach = _reach(model)
    if reach is None:
        return list(inputs)

    def short(text: Any, beside: Any = "") -> Any:
        # Of a pair the longer one is cut: it stays that. No text has more tokens than bytes.
        most = max(reach, len(str(beside).encode(errors="surrogatepass")))
        return shorten_text(model.tokenizer, text, most) if isinstance(text, str) else text

    return [short(one) if isinstance(one, str) else (*one[:-1], short(one[-1], one[0])) for one in inputs]


def reads_whole(model: Any, *texts: str, limit: int | None = None) -> bool:
    """Tell whether a text, or a query and a document read together, reaches a model untruncated.

    Args:
        model: A SentenceTransformer or CrossEncoder.
        texts: One text, or two that are joined by the tokenizer; prompts included.
        limit: Tokens, special ones included; where the model's own limit is lower, that one.
    """
    most = _limit(model, limit)
    if most is None:
        return True
    read = [shorten_text(model.tokenizer, text, most) for text in texts]
    return len(model.tokenizer(*read, truncation=False, verbose=False)["input_ids"]) <= most


def tokens_read(model: Any, text: str, *, limit: int | None = None) -> tuple[int, ...]:
    """The tokens of a text that reach a model; arguments as `reads_whole`."""
    most = _limit(model, limit)
    text = shorten_text(model.tokenizer, text, most)
    return tuple(model.tokenizer(text, truncation=most is not None, max_length=most, verbose=False)["input_ids"])


def fits(tokenizer: Any, text: str, tokens: int) -> bool:
    """Tell whether a text has no more tokens, special ones not counted."""
    ids = tokenizer(shorten_text(tokenizer, text, tokens), add_special_tokens=False, verbose=False)["input_ids"]
    return len(ids) <= tokens


def cut(tokenizer: Any, texts: Sequence[str], tokens: int) -> list[str]:
    """Texts up to the end of their ``tokens``-th token, special ones not counted.

    Args:
        tokenizer: A fast one.
        texts: What is cut.
        tokens: How many are kept at most.
    """
    if not texts:
        return []
    ends = _token_ends(tokenizer, [shorten_text(tokenizer, text, tokens) for text in texts], tokens)
    return [text[: found[-1] if found else 0] for text, found in zip(texts, ends, strict=True)]


def characters_read(tokenizer: Any, texts: Sequence[str], rooms: Sequence[int]) -> list[int]:
    """Number of characters of each text in its first ``rooms`` tokens, special ones not counted.

    All of a text that is read whole, white space at its end included, or that is blank or one word for hundreds of
    thousands of characters; else as `cut`.

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
    for start in range(0, len(pending), _TEXTS_AT_ONCE):
        places = pending[start : start + _TEXTS_AT_ONCE]
        most = max(rooms[place] for place in places)
        parts = [_head(tokenizer, texts[place], rooms[place]) or "" for place in places]
        for place, found in zip(places, _token_ends(tokenizer, parts, most + 1), strict=True):
            if len(found) > rooms[place]:
                ends[place] = found[rooms[place] - 1] if rooms[place] > 0 else 0
    return ends


def _token_ends(tokenizer: Any, texts: list[str], tokens: int) -> list[list[int]]:
    """Ends, in characters, of each of at most ``tokens`` tokens of each text."""
    options = {"add_special_tokens": False, "truncation": True, "max_length": tokens, "verbose": False}
    if getattr(tokenizer, "is_fast", False):
        read = tokenizer(texts, return_offsets_mapping=True, **options)["offset_mapping"]
        return [[end for _, end in offsets] for offsets in read]
    whole = [len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]) for text in texts]
    return [
        [len(text) * (number + 1) // count for number in range(min(count, tokens))]
        for text, count in zip(texts, whole, strict=True)
    ]


def most_tokens(model: Any) -> int | None:
    """The most tokens of a text that a SentenceTransformer or CrossEncoder reads; None: any number.

    Static embeddings (a vector for each token, averaged) say that it is infinite.
    """
    told = model.max_seq_length
    return None if told is None or told == inf else int(told)


def _limit(model: Any, limit: int | None) -> int | None:
    return min((value for value in (limit, most_tokens(model)) if value is not None), default=None)


def _reach(model: Any) -> int | None:
    """The most tokens of a text that a model reads, of queries or documents; None where it does not say."""
    own = [getattr(part, name, None) for part in model.modules() for name in ("query_length", "document_length")]
    most = most_tokens(model)
    return None if most is None else max([most, *(value for value in own if isinstance(value, int))])
