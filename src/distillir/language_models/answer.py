"""Reading of a server's answer: the log-odds of two words, or the reason why there are none."""

import math
import re
from collections.abc import Mapping
from typing import Any

#: What may be the matter with an answer. `BOUNDED` has odds all the same.
REFUSED, NO_LOGPROBS, NEITHER, TAIL, THINKING, BOUNDED = (
    "refused", "no log-probabilities", "neither", "tail", "thinking", "bounded",
)  # fmt: skip

#: Least probability that the two words must have together. Below it a model is about to say something else, and their
#: odds are differences within the noise of the tail: servers round and quantise it. Ours.
LEAST_SHARE = 0.01

# What tokenizers write for the white space before a word: sentencepiece, and byte-level BPE for space, line and tab.
_MARKERS = "▁ĠĊĉ"
# vLLM under --return-tokens-as-token-ids.
_TOKEN_ID = re.compile(r"token_id:\d+$")
_THINKING = re.compile(r"[<\[]\|?(think|thought|reason|channel|analysis)", re.IGNORECASE)


def read_answer(
    choice: Mapping[str, Any], yes: str, no: str, least_share: float = LEAST_SHARE
) -> tuple[float | None, str | None]:
    """Log-odds of ``yes`` against ``no`` by the log-probabilities of an answer's first token.

    Tokens that are a word but for white space, a tokenizer's mark of white space or, in words of two letters and more,
    capitals count together; of a word that no token is, those that begin it (``ir`` of ``irrelevant``). Where one of
    the two is not among the likeliest tokens that the server tells, it is taken for as likely as it can be
    (``bounded``), the least likely of the others or what they leave: the true odds are at
    least as far from even. A server that tells numbers in place of tokens names by what was said the one that was said;
    the other word may then be as likely as the likeliest of the other numbers.

    Args:
        choice: One of a response's ``choices``, of chat completions or of completions.
        yes: A word.
        no: A word.
        least_share: Probability that the two must have together.

    Returns:
        The odds, or None; and what is the matter, or None.
    """
    message = _message(choice)
    if choice.get("finish_reason") == "content_filter" or message.get("refusal"):
        return None, REFUSED
    likeliest = _likeliest(choice)
    if not likeliest:
        return None, NO_LOGPROBS
    fold = yes.casefold() != no.casefold() and min(len(yes), len(no)) > 1
    words, pair = [_word(token, fold) for token, _ in likeliest], [_word(word, fold) for word in (yes, no)]
    for word, other in (pair, pair[::-1]):
        if word not in words:
            words = [word if _begins(token, word, other) else token for token in words]
    found = [_total(likeliest, words, word) for word in pair]
    share = sum(math.exp(value) for value in found if value is not None)
    if share < least_share or found == [None, None]:
        return None, THINKING if _thinks(choice) else TAIL if share else NEITHER
    if found[0] is not None and found[1] is not None:
        return found[0] - found[1], None
    # What is left for all words that were not told, and the least likely of the others that were.
    rest = 1 - sum(math.exp(value) for _, value in likeliest)
    told = [value for (_, value), word in zip(likeliest, words, strict=True) if word not in pair]
    numbered = [value for token, value in likeliest if _TOKEN_ID.match(token)]
    left = math.log(max(rest, 1e-12))
    most = max(numbered) if numbered else min([*told, left])
    sign, known = (1, found[0]) if found[0] is not None else (-1, found[1])
    assert known is not None
    # It may be as likely as the other: then nothing is known.
    return (sign * (known - most), BOUNDED) if known > most else (None, NEITHER)


def answer_text(choice: Mapping[str, Any]) -> str:
    """The text of an answer."""
    message = _message(choice)
    return str(message.get("content") or message.get("refusal") or choice.get("text") or "")


def first_token(choice: Mapping[str, Any]) -> str:
    """The likeliest first token, as the server tells it; empty where it tells none."""
    likeliest = _likeliest(choice)
    return max(likeliest, key=lambda one: one[1])[0] if likeliest else ""


def reasoning(choice: Mapping[str, Any]) -> bool:
    """Tell whether the server put thoughts of the model apart from its answer (vLLM, DeepSeek, OpenRouter)."""
    message = _message(choice)
    return bool(message.get("reasoning_content") or message.get("reasoning"))


def _thinks(choice: Mapping[str, Any]) -> bool:
    return reasoning(choice) or any(
        _THINKING.match(text.strip()) for text in (first_token(choice), answer_text(choice))
    )


def _message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    message = choice.get("message")
    return message if isinstance(message, Mapping) else {}


def _likeliest(choice: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Tokens and log-probabilities at the first place, in any of the three forms that servers give."""
    told = choice.get("logprobs")
    if not isinstance(told, Mapping):
        return []
    content, tops, tokens = told.get("content"), told.get("top_logprobs"), told.get("tokens")
    pairs: list[tuple[Any, Any]] = []
    first = tokens[0] if isinstance(tokens, list) and tokens else None
    if isinstance(content, list) and content and isinstance(content[0], Mapping):
        several = content[0].get("top_logprobs")
        told_of = [content[0], *(several if isinstance(several, list) else [])]
        found = {one.get("token"): one.get("logprob") for one in told_of if isinstance(one, Mapping)}
        pairs, first = list(found.items()), content[0].get("token")
    elif isinstance(tops, list) and tops and isinstance(tops[0], Mapping):
        pairs = list(tops[0].items())
    alone = answer_text(choice).strip() if isinstance(first, str) and _TOKEN_ID.match(first) else ""
    return [
        (alone if alone and token == first else str(token), min(float(value), 0.0))
        for token, value in pairs
        if token is not None and isinstance(value, int | float) and math.isfinite(value)
    ]


def _word(token: str, fold: bool) -> str:
    word = token.strip().strip(_MARKERS).strip()
    return word.casefold() if fold else word


def _begins(token: str, word: str, other: str) -> bool:
    """Tell whether a token is the beginning of a word, and of that one alone."""
    return len(token) > 1 and word.startswith(token) and not other.startswith(token)


def _total(likeliest: list[tuple[str, float]], words: list[str], word: str) -> float | None:
    values = [value for (_, value), found in zip(likeliest, words, strict=True) if found == word]
    return math.log(sum(map(math.exp, values))) if values and max(values) > -700 else None
