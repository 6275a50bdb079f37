"""The kind ``dense``: one vector a text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.encoding.model_files import similarity_name
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.vector_kind import VectorKind

if TYPE_CHECKING:
    from distillir.students.student import Student


class DenseKind(VectorKind):
    """A SentenceTransformer; scores are cosines or dot products, whichever it names."""

    name = "dense"
    description = "one vector a text (any SentenceTransformer)"
    model_kind = "dense"
    loader = "SentenceTransformer"
    options = frozenset({"separate"})
    sources: tuple[str, ...] = ("bm25", "dense")
    cosine_scale = True
    pooled = True

    def owns(self, model: Any) -> bool:
        """See `StudentKind.owns`."""
        from sentence_transformers import SentenceTransformer

        return isinstance(model, SentenceTransformer)

    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        """See `StudentKind.start`."""
        from distillir.encoding.models import load_sentence_transformer

        self.refuse_others(name)
        return load_sentence_transformer(name, device=device, options=options)

    def with_towers(self, model: Any, towers: str) -> Any:
        """See `StudentKind.with_towers`."""
        if towers == "separate":
            from distillir.students.towers import separate

            return separate(model)
        return super().with_towers(model, towers)

    def student(self, model: Any) -> "Student":
        """See `StudentKind.student`."""
        from distillir.students.dense.student import DenseStudent

        return DenseStudent(model)

    def cosines(self, model: str | Path) -> bool:
        """See `StudentKind.cosines`."""
        return similarity_name(model) == "cosine"


DENSE = DenseKind()
