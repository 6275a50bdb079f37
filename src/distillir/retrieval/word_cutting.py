"""Words of a text as BM25 counts them, in any script."""

import re
from collections.abc import Iterator
from itertools import pairwise

import regex

from distillir.base.scripts import NO_SPACES
from distillir.retrieval.normal_form import fold_case, normal_form

#: Counts up when words of texts outside ASCII change, so that what was made of them is made anew.
WORDS = 2

#: As bm25s and scikit-learn have it; it holds for ASCII texts to this day.
_ASCII_WORD = re.compile(r"\w\w+")
# Alphabets, punctuation and symbols: no marks, no writing without spaces. Python's own expressions are five times as
# fast here, and find the same.
_PLAIN = re.compile(r"[\x00-\u02ff\u0370-\u0482\u048a-\u058f\u10a0-\u10ff\u1e00-\u1fff\u2000-\u20cf\u2100-\u2bff]*")
_WORD = regex.compile(r"[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*")
# Korean is written with spaces, but its words carry their particles.
_NO_SPACES = NO_SPACES + r"\p{Hangul}"
_UNSPACED = regex.compile(rf"[{_NO_SPACES}]")
_PART = regex.compile(rf"[{_NO_SPACES}][{_NO_SPACES}\p{{M}}]*|[^{_NO_SPACES}]+")
# What cannot be parted: a letter with its marks and what is stacked below it, and in Thai and Lao with the vowels that
# are written before and after it (character clusters: Theeramunkong et al., IRAL 2000).
_LETTER = r"\P{M}\p{M}*(?:(?<=[\u17d2\u1039\u1a60])\P{M}\p{M}*)*"
_CLUSTER = regex.compile(rf"[\u0e40-\u0e44\u0ec0-\u0ec4]?{_LETTER}[\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3]*")
# A single letter of these says nothing (bm25s drops it too); of other scripts it may be a word.
_SINGLE = regex.compile(
    r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Armenian}\p{Georgian}\p{Coptic}\p{Hebrew}\p{Arabic}\p{Common}]\p{M}*"
)


def document_words(text: str, *, turkish: bool = False) -> list[str]:
    """Words of a text that is indexed.

    Lower-cased words of two letters or more; words with marks (Hindi's vowels, accents) stay whole. Writing without
    spaces gives every letter and every two neighbours, as Lucene's CJKBigramFilter does with ``outputUnigrams``.

    Args:
        text: As it is.
        turkish: See `fold_case`.
    """
    return _words(text, turkish, letters=True)


def query_words(text: str, *, turkish: bool = False) -> list[str]:
    """Words of a text that is searched for.

    As `document_words`, but a letter of writing without spaces stands alone only where it has no neighbour: two
    neighbours tell more than each of them, which would find next to every document.
    """
    return _words(text, turkish, letters=False)


def _words(text: str, turkish: bool, *, letters: bool) -> list[str]:
    if text.isascii() and not turkish:
        return _ASCII_WORD.findall(text.lower())
    text = fold_case(normal_form(text), turkish=turkish)
    return _ASCII_WORD.findall(text) if _PLAIN.fullmatch(text) else list(parts(text, letters=letters))


def parts(text: str, *, letters: bool) -> Iterator[str]:
    """Words of a text in `normal_form`, in order; see `document_words` and `query_words`."""
    unspaced = _UNSPACED.search(text) is not None
    for word in _WORD.findall(text):
        if unspaced and _UNSPACED.search(word):
            for part in _PART.findall(word):
                if _UNSPACED.match(part):
                    yield from neighbours(_CLUSTER.findall(part), letters=letters)
                elif not _SINGLE.fullmatch(part):
                    yield part
        elif not _SINGLE.fullmatch(word):
            yield word


def neighbours(clusters: list[str], *, letters: bool) -> list[str]:
    """Pairs of neighbouring characters; also each character alone where ``letters`` is true or there is one only."""
    pairs = [first + second for first, second in pairwise(clusters)]
    return clusters + pairs if letters or not pairs else pairs
