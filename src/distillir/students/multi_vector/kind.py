"""The kind ``multi-vector``: one vector a token, compared by MaxSim (late interaction, ColBERT)."""

from typing import TYPE_CHECKING, Any

import numpy as np

from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.vector_kind import VectorKind

if TYPE_CHECKING:
    from distillir.collections import Collection
    from distillir.collections.table import Rows
    from distillir.students.student import Student


class MultiVectorKind(VectorKind):
    """A MultiVectorEncoder; a dense model becomes one by `distillir.students.multi_vector.student.multi_vector_of`."""

    name = "multi-vector"
    about = "one vector a token, compared by MaxSim (late interaction: ColBERT, PyLate, MultiVectorEncoder)"
    model_kind = "multi-vector"
    loader = "MultiVectorEncoder"
    elsewhere = "PyLate does not read this folder; distillir export RUN --format pylate -o DIR writes one that it does."

    def owns(self, model: Any) -> bool:
        """See `StudentKind.owns`."""
        from sentence_transformers import MultiVectorEncoder

        return isinstance(model, MultiVectorEncoder)

    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        """See `StudentKind.start`."""
        from distillir.encoding.identity import resolved_prompts
        from distillir.encoding.models import load_multi_vector, load_sentence_transformer

        if self.refuse_others(name) == self.model_kind:
            return load_multi_vector(name, device=device, options=options)
        from distillir.students.multi_vector.student import multi_vector_of

        model = load_sentence_transformer(name, device=device, options=options)
        return multi_vector_of(model, prompts=resolved_prompts(name, options))

    def student(self, model: Any) -> "Student":
        """See `StudentKind.student`."""
        from distillir.students.multi_vector.student import MultiVectorStudent

        return MultiVectorStudent(model)

    def size(self, model: str, collection: "Collection", query_rows: "Rows", **options: Any) -> dict[str, Any]:
        """See `StudentKind.size`; 4 bytes a number of each vector."""
        from distillir.encoding.token_vectors import encode_tokens

        documents = encode_tokens(model, collection.corpus, kind="document", **options)
        asked = encode_tokens(model, collection.queries, query_rows, kind="query", **options).of(query_rows)
        per_document, each = documents.count / max(len(collection.corpus), 1), 4 * asked[0].shape[1]
        return {
            "unit": "vectors",
            "per_document": per_document,
            "per_query": float(np.mean([len(found) for found in asked])),
            "bytes_per_document": per_document * each,
        }


MULTI_VECTOR = MultiVectorKind()
