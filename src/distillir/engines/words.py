"""Weights of words for BM25 in an engine that knows sparse vectors and counts documents itself (Qdrant's IDF).

The part of BM25 that a document knows by itself, with the constants of Qdrant's own (fastembed's ``Qdrant/bm25``); the
engine multiplies it by the inverse document frequency of each word of a query (Robertson & Zaragoza, Foundations and
Trends in IR 2009, equation 3.15).
"""

from collections import Counter
from functools import cache
from typing import Any

import xxhash

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.retrieval.word_cutting import document_words, query_words

_K1, _B, _MEAN_LENGTH = 1.2, 0.75, 256


def document_weights(text: str, language: str = "english") -> dict[int, float]:
    """Weights of a document's words, by the hash of each stem.

    Args:
        text: Title and text.
        language: Of the stemmer (Snowball).
    """
    words = _stems(document_words(text), language)
    length = _K1 * (1 - _B + _B * len(words) / _MEAN_LENGTH)
    return {_number(word): count * (_K1 + 1) / (count + length) for word, count in Counter(words).items()}


def query_weights(text: str, language: str = "english") -> dict[int, float]:
    """Weights of a query's words, each 1, by the hash of its stem; arguments as `document_weights`."""
    return {_number(word): 1.0 for word in _stems(query_words(text), language)}


def check_stemmer(language: str, where: str) -> None:
    """Refuse a language that has no stemmer.

    Args:
        language: Snowball's name of it.
        where: What messages call the place.

    Raises:
        DistillirError: It has none; the message names the nearest.
    """
    import Stemmer

    known = Stemmer.algorithms()
    if language not in known:
        raise DistillirError(f"no stemmer for {language!r}", where=where, remedy=nearest(language, known))


def _stems(words: list[str], language: str) -> list[str]:
    stems: list[str] = _stemmer(language).stemWords(words)
    return stems


@cache
def _stemmer(language: str) -> Any:
    import Stemmer

    return Stemmer.Stemmer(language)


def _number(word: str) -> int:
    return xxhash.xxh32_intdigest(word.encode())
