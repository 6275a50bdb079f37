"""A server's answer to the odds of two words, or to what is the matter with it."""

import math
from collections.abc import Mapping
from typing import Any

#: What may be the matter with an answer that was paid for. The last one has odds all the same.
REFUSED, NO_LOGPROBS, NEITHER, BOUNDED = "refused", "no log-probabilities", "neither", "bounded"


def read_answer(choice: Mapping[str, Any], yes: str, no: str) -> tuple[float | None, str | None]:
    """Log-odds of ``yes`` against ``no`` by the log-probabilities of an answer's first token.

    Tokens that are a word but for white space count together. Where one of the two is not among the likeliest tokens
    that the server tells, it is taken for as likely as it can be (``bounded``), the least likely of the others or what
    they leave: the true odds are at least as far from even.

    Args:
        choice: One of a response's ``choices``, of chat completions or of completions.
        yes: A word.
        no: A word.

    Returns:
        The odds, or None; and what is the matter, or None.
    """
    message = _message(choice)
    if choice.get("finish_reason") == "content_filter" or message.get("refusal"):
        return None, REFUSED
    likeliest = _likeliest(choice.get("logprobs"))
    if not likeliest:
        return None, NO_LOGPROBS
    found = [_total(likeliest, word) for word in (yes, no)]
    if found[0] is None and found[1] is None:
        return None, NEITHER
    if found[0] is not None and found[1] is not None:
        return found[0] - found[1], None
    # What is left for all words that were not told, and the least likely of the others that were.
    rest = 1 - sum(math.exp(value) for _, value in likeliest)
    told = [value for token, value in likeliest if token.strip() not in (yes, no)]
    most = min([*told, math.log(max(rest, 1e-12))])
    sign, known = (1, found[0]) if found[0] is not None else (-1, found[1])
    assert known is not None
    # It may be as likely as the other: then nothing is known.
    return (sign * (known - most), BOUNDED) if known > most else (None, NEITHER)


def said(choice: Mapping[str, Any]) -> str:
    """What an answer says."""
    message = _message(choice)
    return str(message.get("content") or message.get("refusal") or choice.get("text") or "")


def _message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    message = choice.get("message")
    return message if isinstance(message, Mapping) else {}


def _likeliest(told: Any) -> list[tuple[str, float]]:
    """Tokens and log-probabilities at the first place, in any of the three forms that servers give."""
    if not isinstance(told, Mapping):
        return []
    content, tops = told.get("content"), told.get("top_logprobs")
    pairs: list[tuple[Any, Any]] = []
    if isinstance(content, list) and content and isinstance(content[0], Mapping):
        several = content[0].get("top_logprobs")
        told_of = [content[0], *(several if isinstance(several, list) else [])]
        found = {one.get("token"): one.get("logprob") for one in told_of if isinstance(one, Mapping)}
        pairs = list(found.items())
    elif isinstance(tops, list) and tops and isinstance(tops[0], Mapping):
        pairs = list(tops[0].items())
    return [
        (str(token), min(float(value), 0.0))
        for token, value in pairs
        if token is not None and isinstance(value, int | float) and math.isfinite(value)
    ]


def _total(likeliest: list[tuple[str, float]], word: str) -> float | None:
    values = [value for token, value in likeliest if token.strip() == word]
    return math.log(sum(map(math.exp, values))) if values and max(values) > -700 else None
