"""Words of text in which code occurs: names whole, and in their parts."""

import re

_WORD = re.compile(r"\w\w+")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def split_identifiers(text: str) -> list[str]:
    """Lower-cased words of two characters or more, each name followed by its parts.

    ``HTTPServer.read_line2`` gives ``httpserver``, ``http``, ``server``, ``read_line2``, ``read`` and ``line``. Only
    ASCII names are taken apart.
    """
    words = []
    for word in _WORD.findall(text):
        words.append(word.lower())
        parts = [part.lower() for part in _PART.findall(word) if len(part) > 1]
        if parts != words[-1:]:
            words += parts if word.isascii() else []
    return words
