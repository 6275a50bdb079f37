"""Search of kept vectors by a query encoder."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.arrays import Rows
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.retrieval.opened import OpenedRetriever, QueryEncoder

if TYPE_CHECKING:
    from distillir.students.kept_documents.index import KeptIndex


class KeptRetriever:
    """Nearest kept vectors of queries; no document is encoded that the index has.

    Args:
        index: The document vectors.
        model: The query encoder's folder or name.
        max_length: Tokens of a query at most; None: the model's own.
        precision: Of the query encoder.
        options: How it is loaded.
        factory: As in `distillir.retrieval.dense.search_vectors`.
        search: As there.
        rescore: As there.
    """

    def __init__(
        self,
        index: "KeptIndex",
        model: str,
        max_length: int | None = None,
        precision: str = "auto",
        options: ModelOptions = PLAIN,
        factory: str = "Flat",
        search: str | None = None,
        rescore: int | None = None,
    ) -> None:
        self.index, self.model, self.factory, self.parameters = index, model, factory, search
        self.rescore = rescore
        self.encoding: dict[str, Any] = {"max_length": max_length, "precision": precision, "options": options}
        self.name = Path(model).name

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """Rank the corpus for query rows [Q], at most ``depth`` documents each, as the documents' model compares.

        Raises:
            DistillirError: The model cannot be loaded, or its vectors have another width than the kept ones.
        """
        from distillir.encoding.vectors import encode_rows
        from distillir.retrieval.dense import search_shared
        from distillir.students.kept_documents.query_encoder import check_width

        documents: Any = self.index.vectors(collection.corpus)
        queries = encode_rows(self.model, collection.queries, query_rows, kind="query", **self.encoding)
        check_width(queries.shape[1], documents.shape[1], self.index.name)
        return search_shared(
            queries,
            documents,
            query_rows,
            depth,
            factory=self.factory,
            metric="cosine" if self.index.similarity == "cosine" else "ip",
            search=self.parameters,
            name=self.name,
            rescore=self.rescore,
        )

    def opened(self, collection: Collection, first: OpenedRetriever | None = None) -> OpenedRetriever:
        """See `distillir.retrieval.opened.open_retriever`; the kept vectors stay mapped."""
        from distillir.retrieval.opened_vectors import OpenedVectors
        from distillir.students.kept_documents.query_encoder import check_width

        documents = self.index.vectors(collection.corpus)
        encoder = QueryEncoder("dense", self.model, self.encoding)
        check_width(encoder.encode("a").shape[1], documents.shape[1], self.index.name)
        cosine = self.index.similarity == "cosine"
        return OpenedVectors(self.name, encoder, documents.parts, documents.places, cosine=cosine)

    def why_nothing(self, collection: Collection, query_rows: Rows) -> str:
        """The likely reason why no query has a document."""
        return f"the index {self.factory} visits too few of its cells; raise search (nprobe=...), or leave factory out"


#: Makes a retriever of the options of a source that names no model.
MakeRetriever = Callable[[Any], KeptRetriever]
