"""Texts in units that may be moved or dropped without breaking anything: words, graphemes, sentences."""

import regex

# Scripts that put no spaces between words: each grapheme is a unit of its own.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNIT = regex.compile(rf"(?=[{_UNSPACED}])\X|(?:(?![\s{_UNSPACED}])\X)+")
_END = regex.compile(r"(?<=[.!?…])\s+(?=\S)|(?<=[。！？।॥])\s*(?=\S)")

#: First and last character (exclusive) of a piece of text.
Span = tuple[int, int]


def units(text: str) -> list[Span]:
    """Words, or graphemes of scripts that write none apart, in order; what is between them is white space.

    No unit begins or ends within a grapheme (an accent, a joined emoji), so that texts cut at units stay readable.
    """
    return [match.span() for match in _UNIT.finditer(text)]


def sentences(text: str) -> list[str]:
    """Sentences by their closing marks, without the white space between them; a text without such marks is one."""
    return [part.strip() for part in _END.split(text) if part.strip()]
