"""Settings of a BM25 index: its constants, and how texts are cut into words."""

import copy
import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import xxhash

from distillir.base.errors import DistillirError
from distillir.collections import TextTable
from distillir.retrieval.identifiers import split_identifiers
from distillir.retrieval.word_cutting import WORDS, document_words, query_words

_FORMAT = 3  # Counts up when the files of an index change, so that no old index is opened.


@dataclass(frozen=True)
class BM25Settings:
    """Everything that a BM25 index depends on beside the corpus.

    Attributes:
        k1: Saturation of the term frequency; 0.9, with ``b`` 0.4, is the default of Anserini.
        b: Strength of the length normalisation, 0 to 1.
        stemmer: A Snowball algorithm such as ``english``, or None for whole words.
        stopwords: A language that bm25s has a list for, such as ``en``, or None to keep all words.
        identifiers: Also index the parts of names such as ``read_line`` and ``HTTPServer``; for code.
    """

    k1: float = 0.9
    b: float = 0.4
    stemmer: str | None = None
    stopwords: str | None = "en"
    identifiers: bool = False

    @property
    def turkish(self) -> bool:
        """Tell whether I is the capital of dotless ı: where the stemmer or the stop words are Turkish ones."""
        return self.stemmer == "turkish" or self.stopwords in ("tr", "turkish")

    def words(self, *tables: TextTable) -> list[int]:
        """Versions of the way texts are cut into words, for the fingerprint; empty for ASCII, which never changed."""
        return [WORDS] if self.turkish or not all(table.is_ascii for table in tables) else []

    def fingerprint(self, corpus: TextTable) -> str:
        """Content hash of corpus and settings (hex)."""
        import bm25s

        values = {**asdict(self), "k1": float(self.k1), "b": float(self.b)}
        identity = json.dumps([_FORMAT, bm25s.__version__, corpus.fingerprint, values, *self.words(corpus)])
        return xxhash.xxh3_128_hexdigest(identity.encode())

    def check(self, where: str | None = None) -> None:
        """Refuse settings that cannot be.

        Args:
            where: What messages call the place.

        Raises:
            DistillirError: Unknown stemmer or stop words, or ``k1`` or ``b`` out of range.
        """
        if not (self.k1 >= 0 and 0 <= self.b <= 1):
            what = f"k1 {self.k1} and b {self.b} are no BM25 constants"
            raise DistillirError(what, where=where, remedy="k1 >= 0 and 0 <= b <= 1")
        self.tokenizer(where)

    def tokenizer(self, where: str | None = None) -> Any:
        """A bm25s Tokenizer for documents, without vocabulary; words as in `document_words`.

        Raises:
            DistillirError: Unknown stemmer or stop words.
        """
        import Stemmer
        from bm25s.tokenization import Tokenizer

        if self.stemmer is not None and self.stemmer not in Stemmer.algorithms():
            known = ", ".join(Stemmer.algorithms())
            what = f"unknown stemmer {self.stemmer!r} for BM25"
            raise DistillirError(what, where=where, remedy=f"choose one of: {known}")
        stemmer = Stemmer.Stemmer(self.stemmer) if self.stemmer else None
        cut = split_identifiers if self.identifiers else document_words
        splitter = partial(cut, turkish=self.turkish)
        try:
            tokenizer = Tokenizer(lower=False, splitter=splitter, stopwords=self.stopwords, stemmer=stemmer)
        except ValueError:
            remedy = "give a language such as en, de, fr or zh, or null"
            raise DistillirError(f"no stop words known for {self.stopwords!r}", where=where, remedy=remedy) from None
        # The list as it is, and its words as texts give them (daß as dass); what is more than one word is none.
        own = [query_words(word, turkish=self.turkish) for word in tokenizer.stopwords if not word.isascii()]
        tokenizer.stopwords = [*tokenizer.stopwords, *(words[0] for words in own if len(words) == 1)]
        return tokenizer

    def for_queries(self, tokenizer: Any) -> Any:
        """The same tokenizer, with the same vocabulary, for queries; words as in `query_words`."""
        cut = partial(split_identifiers, letters=False) if self.identifiers else query_words
        other = copy.copy(tokenizer)
        other.splitter = partial(cut, turkish=self.turkish)
        return other
