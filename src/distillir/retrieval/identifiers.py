"""Words of text in which code occurs: names whole, and in their parts."""

import re
from collections.abc import Iterable

from distillir.retrieval.normal_form import fold_case, normal_form
from distillir.retrieval.word_cutting import parts

_WORD = re.compile(r"\w\w+")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def split_identifiers(text: str, *, letters: bool = True, turkish: bool = False) -> list[str]:
    """Lower-cased words of two characters or more, each name followed by its parts.

    ``HTTPServer.read_line2`` gives ``httpserver``, ``http``, ``server``, ``read_line2``, ``read`` and ``line``. Only
    ASCII names are taken apart; other words are those of `distillir.retrieval.word_cutting`.

    Args:
        text: As it is.
        letters: Whether writing without spaces also gives each letter; see `document_words` and `query_words`.
        turkish: See `fold_case`.
    """
    found: Iterable[str] = _WORD.findall(text) if text.isascii() else parts(normal_form(text), letters=letters)
    words = []
    for word in found:
        words.append(fold_case(word, turkish=turkish))
        if not word.isascii():
            continue
        own = [part.lower() for part in _PART.findall(word) if len(part) > 1]
        if own != [word.lower()]:
            words += own
    return words
