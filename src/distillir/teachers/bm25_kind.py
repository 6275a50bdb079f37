"""BM25 as a recipe names it for a teacher."""

from pathlib import Path
from typing import TYPE_CHECKING

from distillir.retrieval.bm25_spec import BM25Spec, check_bm25
from distillir.teachers.kind import TeacherKind

if TYPE_CHECKING:
    from distillir.teachers.bm25 import BM25Teacher


def _make(options: BM25Spec, cache: Path | None) -> "BM25Teacher":
    from distillir.teachers.bm25 import BM25Teacher

    return BM25Teacher(**options.written())


BM25 = TeacherKind(
    "bm25",
    "BM25 over the collection; options k1, b, stemmer, stopwords, identifiers",
    BM25Spec,
    check=check_bm25,
    make=_make,
)
