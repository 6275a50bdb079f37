"""The kind of a sparse student whose documents' weights of words are kept."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.encoding.model_options import ModelOptions
from distillir.students.kept_documents.kept_kind import KeptKind, part_of
from distillir.students.kind import StudentParts
from distillir.students.sparse.kind import SPARSE, SparseKind

if TYPE_CHECKING:
    from distillir.base.arrays import Rows
    from distillir.collections import Collection
    from distillir.retrieval.retriever import Retriever
    from distillir.students.kept_documents.index import KeptIndex
    from distillir.students.student import Student


class KeptWordsKind(KeptKind, SparseKind):
    """A sparse student against weights of words that stay."""

    options = frozenset({"flops"})
    sources = ("bm25", "sparse")

    def load(self, name: str, device: str | None, options: ModelOptions) -> Any:
        """See `KeptKind.load`."""
        return SPARSE.start(name, device=device, options=options)

    def ready(
        self, model: str, collection: "Collection", queries: "Callable[[], Rows]", seed: int
    ) -> "Callable[[Any], Any]":
        """See `StudentKind.ready`: nothing is added, and a student of other words is refused."""
        from distillir.students.kept_documents.sparse.vocabulary import check_same_words

        return lambda loaded: check_same_words(loaded, model, self.index)

    def roughly_ready(self, model: str) -> "Callable[[Any], Any]":
        """See `StudentKind.roughly_ready`: the same."""
        from distillir.students.kept_documents.sparse.vocabulary import check_same_words

        return lambda loaded: check_same_words(loaded, model, self.index)

    def drawn(self, model: Any) -> "KeptIndex":
        """See `KeptKind.drawn`."""
        from distillir.students.kept_documents.sparse.index import DrawnWords

        return DrawnWords(int(model.get_embedding_dimension()))

    def student(self, model: Any) -> "Student":
        """See `StudentKind.student`."""
        from distillir.students.kept_documents.sparse.student import KeptWordsStudent

        return KeptWordsStudent(model, self.index)

    def layers_refusal(self, model: str) -> DistillirError | None:
        """See `StudentKind.layers_refusal`: a layer's state has no weights of words."""
        return DistillirError(
            "a layer's state of a query has no weights of words, and nothing else is kept of documents",
            remedy="leave layers out",
        )

    def penalties(self, spec: StudentParts, first: bool) -> tuple[dict[str, float], float]:
        """See `SparseKind.penalties`: of queries alone."""
        weights, warmup = super().penalties(spec, first)
        return {name: weight for name, weight in weights.items() if name == "flops queries"}, warmup

    def search_kept(
        self, model: str, max_length: int | None, precision: str, options: ModelOptions, **search: Any
    ) -> "Retriever":
        """See `KeptKind.search_kept`; exact."""
        from distillir.students.kept_documents.sparse.index import WordsIndex
        from distillir.students.kept_documents.sparse.retriever import KeptWordsRetriever

        assert isinstance(self.index, WordsIndex)
        return KeptWordsRetriever(self.index, model, max_length, precision, options)

    def size(self, model: str, collection: "Collection", query_rows: "Rows", **options: Any) -> dict[str, Any]:
        """See `StudentKind.size`; of documents what is kept of them."""
        from distillir.encoding.kinds import encoded_size
        from distillir.encoding.narrow_segments import bytes_of_word
        from distillir.encoding.sparse_vectors import encode_sparse

        kept = self.index.vectors(collection.corpus)
        asked = encode_sparse(part_of(model), collection.queries, query_rows, kind="query", **options)
        each = 8 if self.spec.stored == "float32" else bytes_of_word(self.index.width, self.spec.stored)
        return encoded_size("words", kept.count / len(collection.corpus), asked.nnz / len(query_rows), each)
