"""What a recipe says of BM25, as a source of candidates and as teacher."""

from pydantic import Field

from distillir.retrieval.bm25_settings import BM25Settings
from distillir.specs.part import Number, Options


class BM25Spec(Options):
    """Constants of BM25, and how texts are cut into words; see `distillir.retrieval.bm25_settings.BM25Settings`."""

    k1: Number = Field(0.9, description="saturation of term frequency, 0 or more")
    b: Number = Field(0.4, description="strength of length normalisation, 0 to 1")
    stemmer: str | None = Field(None, description="a Snowball language such as english; null: whole words")
    stopwords: str | None = Field("en", description="a language that bm25s has a list for; null: all words are kept")
    identifiers: bool = Field(False, description="also index the parts of names in code")


def check_bm25(options: BM25Spec, where: str) -> None:
    """Refuse what cannot be.

    Raises:
        DistillirError: Unknown stemmer or stop words, or ``k1`` or ``b`` out of range.
    """
    BM25Settings(**options.written()).check(where)
