"""Matched words: those of a text that BM25 takes for words of the query, and the part of a text where most stand."""

from threading import Lock
from typing import Any

import regex

from distillir.base.scripts import NO_SPACES
from distillir.retrieval.bm25_settings import BM25Settings
from distillir.serving.forms import Places

_WORD = regex.compile(r"[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*")
_UNSPACED = regex.compile(rf"[{NO_SPACES}\p{{Hangul}}]")
#: Characters of a text that are looked through.
_READ = 20_000
#: Characters of the part that is shown, and of them before the first matched word.
_SHOWN, _LEAD = 280, 40


class Marker:
    """Matches words as an index of BM25 does: letter case, stop words, stems and parts of names by its settings.

    Args:
        settings: Those of the index.
    """

    def __init__(self, settings: BM25Settings) -> None:
        self._documents: Any = settings.tokenizer()
        self._queries: Any = settings.for_queries(self._documents)
        self._stop = frozenset(self._documents.stopwords)
        self._lock = Lock()  # the stemmer is no two threads' at once

    def words(self, query: str) -> frozenset[str]:
        """The query's words that are matched."""
        return self._stems(self._queries, query)

    def _stems(self, tokenizer: Any, text: str) -> frozenset[str]:
        words = [word for word in tokenizer.splitter(text) if word not in self._stop]
        stemmer = tokenizer.stemmer
        if stemmer is None or not words:
            return frozenset(words)
        with self._lock:
            return frozenset(stemmer(word) for word in words)

    def places(self, text: str, words: frozenset[str]) -> Places:
        """Places [start, end) of matched words in the beginning of a text, ascending."""
        if not words:
            return []
        known: dict[str, bool] = {}
        found: Places = []
        for match in _WORD.finditer(text[:_READ]):
            word = match.group()
            if _UNSPACED.search(word):
                found += _within(word, match.start(), words)
                continue
            if word not in known:
                known[word] = not words.isdisjoint(self._stems(self._documents, word))
            if known[word]:
                found.append((match.start(), match.end()))
        return found

    def excerpt(self, text: str, words: frozenset[str]) -> str:
        """The part of a text where most matched words stand; the beginning where none does."""
        if len(text) <= _SHOWN:
            return text
        starts = [start for start, _ in self.places(text, words)]
        begin, most = 0, sum(start < _SHOWN for start in starts)
        for start in starts:
            here = sum(start <= other < start - _LEAD + _SHOWN for other in starts)
            if here > most:
                begin, most = max(0, start - _LEAD), here
        lead = text[begin : begin + _LEAD].find(" ") + 1  # a whole word comes first, where words are parted
        begin += lead if begin else 0
        end = begin + _SHOWN
        return ("… " if begin else "") + text[begin:end].strip() + (" …" if end < len(text) else "")


def _within(word: str, start: int, words: frozenset[str]) -> Places:
    """Places of words within writing without spaces, joined where they overlap."""
    lowered = word.lower() if len(word.lower()) == len(word) else word
    marked = [False] * len(word)
    for part in words:
        place = lowered.find(part)
        while place >= 0:
            marked[place : place + len(part)] = [True] * len(part)
            place = lowered.find(part, place + 1)
    found: Places = []
    for place, inside in enumerate(marked):
        if inside and found and found[-1][1] == start + place:
            found[-1] = (found[-1][0], start + place + 1)
        elif inside:
            found.append((start + place, start + place + 1))
    return found
