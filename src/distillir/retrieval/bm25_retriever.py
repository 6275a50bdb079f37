"""BM25 as a source of candidates."""

from typing import TYPE_CHECKING, Any

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.retrieval.bm25_settings import BM25Settings
from distillir.retrieval.opened import OpenedRetriever
from distillir.retrieval.shared_search import share_queries

if TYPE_CHECKING:
    from distillir.retrieval.bm25 import BM25Index


class BM25Retriever:
    """BM25 with an index built once per corpus; options as in `distillir.retrieval.bm25.BM25Index.build_or_load`."""

    name = "bm25"

    def __init__(self, **options: Any) -> None:
        self.options = options

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """See `distillir.retrieval.retriever.Retriever`."""
        from distillir.retrieval.bm25 import BM25Index

        index = BM25Index.build_or_load(collection, **self.options)
        return share_queries(lambda rows: index.search(rows, depth, self.name), query_rows)

    def opened(self, collection: Collection, first: OpenedRetriever | None = None) -> OpenedRetriever:
        """See `distillir.retrieval.opened.open_retriever`."""
        from distillir.retrieval.bm25 import BM25Index

        return OpenedBM25(self.name, BM25Index.build_or_load(collection, **self.options))

    def why_nothing(self, collection: Collection, query_rows: Rows) -> str:
        """The likely reason why no query has a document."""
        from distillir.retrieval.found_nothing import different_scripts

        settings = BM25Settings(**self.options)
        tokenizer = settings.for_queries(settings.tokenizer())
        texts = collection.queries.texts(query_rows.tolist())
        if not any(tokenizer.streaming_tokenize(texts, update_vocab=True, allow_empty=False)):
            return f"they hold nothing but single letters, signs and stop words (stopwords: {settings.stopwords})"
        different = different_scripts(collection, query_rows)
        return different or "no word of theirs is in the documents; are these of the same language?"


class OpenedBM25:
    """An index of BM25 that stays open.

    Args:
        name: For people.
        index: The index.
    """

    def __init__(self, name: str, index: "BM25Index") -> None:
        self.name, self._index = name, index

    def search_text(self, text: str, depth: int) -> tuple[Rows, Scores]:
        """See `distillir.retrieval.opened.OpenedRetriever.search_text`."""
        return self._index.search_text(text, depth)
