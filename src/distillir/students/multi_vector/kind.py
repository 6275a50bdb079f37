"""The kind ``multi-vector``: one vector a token, compared by MaxSim (late interaction, ColBERT)."""

from typing import TYPE_CHECKING, Any

from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.vector_kind import VectorKind

if TYPE_CHECKING:
    from distillir.students.student import Student


class MultiVectorKind(VectorKind):
    """A MultiVectorEncoder; a dense model becomes one by `distillir.students.multi_vector.student.multi_vector_of`."""

    name = "multi-vector"
    description = "one vector a token, compared by MaxSim (late interaction: ColBERT, PyLate, MultiVectorEncoder)"
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


MULTI_VECTOR = MultiVectorKind()
