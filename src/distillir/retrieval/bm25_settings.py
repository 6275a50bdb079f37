"""What a BM25 index depends on beside the corpus: constants, words."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import xxhash

from distillir.collections import TextTable
from distillir.errors import DistillirError
from distillir.retrieval.identifiers import split_identifiers

_FORMAT = 3  # Counts up when the files of an index change, so that no old index is opened.


@dataclass(frozen=True)
class BM25Settings:
    """What an index depends on beside the corpus.

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

    def fingerprint(self, corpus: TextTable) -> str:
        """Content hash of corpus and settings (hex)."""
        import bm25s

        values = {**asdict(self), "k1": float(self.k1), "b": float(self.b)}
        identity = json.dumps([_FORMAT, bm25s.__version__, corpus.fingerprint, values])
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
        """A bm25s Tokenizer without vocabulary: lower case, words of two letters or more.

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
        try:
            if self.identifiers:
                return Tokenizer(lower=False, splitter=split_identifiers, stopwords=self.stopwords, stemmer=stemmer)
            return Tokenizer(stopwords=self.stopwords, stemmer=stemmer)
        except ValueError:
            remedy = "give a language such as en, de, fr or zh, or null"
            raise DistillirError(f"no stop words known for {self.stopwords!r}", where=where, remedy=remedy) from None
