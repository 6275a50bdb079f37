"""The kind of a late-interaction student whose documents' token vectors are kept."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from distillir.encoding.model_options import ModelOptions
from distillir.students.kept_documents.kept_kind import KeptKind, part_of
from distillir.students.multi_vector.kind import MULTI_VECTOR, MultiVectorKind

if TYPE_CHECKING:
    from distillir.base.arrays import Rows
    from distillir.collections import Collection
    from distillir.retrieval.retriever import Retriever
    from distillir.students.kept_documents.index import KeptIndex
    from distillir.students.student import Student


class KeptTokensKind(KeptKind, MultiVectorKind):
    """A late-interaction student against token vectors that stay."""

    #: In-batch negatives cost a MaxSim each, of which a step has as many as its queries squared.
    training_by_default: Mapping[str, Any] = MappingProxyType({"queries_per_step": 8, "epochs": 2.0})
    search_options = ("first", "first_depth", "probes")

    def load(self, name: str, device: str | None, options: ModelOptions) -> Any:
        """See `KeptKind.load`; a dense model gets what ColBERT has, and the projection is found by `ready`."""
        return MULTI_VECTOR.start(name, device=device, options=options)

    def ready(
        self, model: str, collection: "Collection", queries: "Callable[[], Rows]", seed: int
    ) -> "Callable[[Any], Any]":
        """See `StudentKind.ready`: a projection of token vectors to the documents' width."""
        from distillir.students.kept_documents.multi_vector.ready import ready_tokens

        return ready_tokens(self.index, self.spec.projection, model, collection, queries, seed)

    def roughly_ready(self, model: str) -> "Callable[[Any], Any]":
        """See `StudentKind.roughly_ready`."""
        from distillir.students.kept_documents.multi_vector.ready import roughly_ready_tokens

        return roughly_ready_tokens(self.index, self.spec.projection, model)

    def drawn(self, model: Any) -> "KeptIndex":
        """See `KeptKind.drawn`."""
        from distillir.students.kept_documents.multi_vector.index import DrawnTokens

        return DrawnTokens(self.index.similarity, int(model.get_embedding_dimension()))

    def student(self, model: Any) -> "Student":
        """See `StudentKind.student`."""
        from distillir.students.kept_documents.multi_vector.student import KeptTokensStudent

        return KeptTokensStudent(model, self.index)

    def search_kept(
        self, model: str, max_length: int | None, precision: str, options: ModelOptions, **search: Any
    ) -> "Retriever":
        """See `KeptKind.search_kept`; as late interaction searches."""
        from distillir.students.kept_documents.multi_vector.retriever import KeptTokensRetriever

        return KeptTokensRetriever(self.index, model, max_length, precision, options, **search)

    def size(self, model: str, collection: "Collection", query_rows: "Rows", **options: Any) -> dict[str, Any]:
        """See `StudentKind.size`; of documents what is kept of them."""
        from distillir.encoding.kinds import encoded_size
        from distillir.encoding.narrow_segments import bytes_of_vector
        from distillir.encoding.token_vectors import encode_tokens

        kept = self.index.vectors(collection.corpus)
        asked = encode_tokens(part_of(model), collection.queries, query_rows, kind="query", **options).of(query_rows)
        per_query = sum(len(vectors) for vectors in asked) / len(asked)
        each = bytes_of_vector(asked[0].shape[1], self.spec.stored)
        return encoded_size("vectors", kept.count / len(collection.corpus), per_query, each)
