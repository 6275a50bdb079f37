"""The kind of a dense student whose documents' vectors are kept."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.encoding.model_options import ModelOptions
from distillir.students.dense.kind import DENSE, DenseKind
from distillir.students.kept_documents.kept_kind import KeptKind, part_of
from distillir.students.kept_documents.spec import DocumentsSpec

if TYPE_CHECKING:
    from distillir.base.arrays import Rows
    from distillir.collections import Collection
    from distillir.retrieval.retriever import Retriever
    from distillir.students.kept_documents.index import KeptIndex
    from distillir.students.spec import StudentSpec
    from distillir.students.student import Student

#: Times that the default method has a student see each text first: one cut from the documents' model, and any other
#: (ours; benchmarks/results/index_kept.md).
FIRST_OF_CUT, FIRST_OF_OTHERS = 1.0, 4.0


class KeptDocumentsKind(KeptKind, DenseKind):
    """A dense student against vectors that stay.

    Args:
        documents: A recipe's ``student.documents``.
    """

    #: Where lists are learnt from slowly, vectors of a stage before them are not.
    first_rate = 10.0
    search_options = ("factory", "search", "rescore")

    def __init__(self, documents: DocumentsSpec) -> None:
        super().__init__(documents)
        self.sources = ("bm25", "dense") if documents.dense is not None else ("bm25",)

    # The model.

    def load(self, name: str, device: str | None, options: ModelOptions) -> Any:
        """See `KeptKind.load`."""
        return DENSE.start(name, device=device, options=options)

    def ready(
        self, model: str, collection: "Collection", queries: "Callable[[], Rows]", seed: int
    ) -> "Callable[[Any], Any]":
        """See `StudentKind.ready`: a projection to the documents' vectors."""
        from distillir.students.kept_documents.ready import ready

        return ready(self.index, self.spec.projection, model, collection, queries(), seed)

    def roughly_ready(self, model: str) -> "Callable[[Any], Any]":
        """See `StudentKind.roughly_ready`."""
        from distillir.students.kept_documents.ready import roughly

        return roughly(self.index, self.spec.projection, model)

    def drawn(self, model: Any) -> "KeptIndex":
        """See `KeptKind.drawn`."""
        from distillir.students.kept_documents.drawn_index import DrawnIndex

        return DrawnIndex(self.index.similarity, int(model.get_embedding_dimension()))

    def student(self, model: Any) -> "Student":
        """See `StudentKind.student`."""
        from distillir.students.kept_documents.student import KeptDocumentsStudent

        return KeptDocumentsStudent(model, self.index)

    # The recipe.

    def cosines(self, model: str | Path) -> bool:
        """See `StudentKind.cosines`."""
        return self.index.similarity == "cosine"

    # Measuring.

    def search_kept(
        self, model: str, max_length: int | None, precision: str, options: ModelOptions, **search: Any
    ) -> "Retriever":
        """See `KeptKind.search_kept`; exact unless a source says otherwise."""
        from distillir.students.kept_documents.retriever import KeptRetriever

        return KeptRetriever(self.index, model, max_length, precision, options, **search)

    def size(self, model: str, collection: "Collection", query_rows: "Rows", **options: Any) -> dict[str, Any]:
        """See `StudentKind.size`; of a document what is kept of it."""
        found = super().size(part_of(model), collection, query_rows, **options)
        kept = self.index.vectors(collection.corpus)
        return {**found, "bytes_per_document": kept.bytes_each}

    def follows_first(self, student: "StudentSpec") -> float | None:
        """See `StudentKind.follows_first`: the documents' model itself, whole, has nothing to follow."""
        if self.spec.dense is None or student.model != self.spec.dense.model:
            return FIRST_OF_OTHERS
        return None if student.layers is None else FIRST_OF_CUT
