"""The kind ``sparse``: a weight for each word of the vocabulary (SPLADE)."""

from typing import TYPE_CHECKING, Any

from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.kind import StudentParts
from distillir.students.vector_kind import VectorKind

if TYPE_CHECKING:
    from distillir.students.student import Student


class SparseKind(VectorKind):
    """A SparseEncoder; any masked language model becomes one."""

    name = "sparse"
    description = "a weight for each word of the vocabulary (SPLADE: any masked language model, SparseEncoder)"
    model_kind = "sparse"
    loader = "SparseEncoder"
    elsewhere = "With shared towers transformers' AutoModelForMaskedLM reads it too, as SPLADE code does."
    options = frozenset({"inference-free", "flops"})

    def owns(self, model: Any) -> bool:
        """See `StudentKind.owns`."""
        from sentence_transformers import SparseEncoder

        return isinstance(model, SparseEncoder)

    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        """See `StudentKind.start`."""
        from distillir.encoding.models import load_sparse

        self.refuse_others(name)
        return load_sparse(name, device=device, options=options)

    def with_towers(self, model: Any, towers: str) -> Any:
        """See `StudentKind.with_towers`."""
        if towers == "inference-free":
            from distillir.students.towers import inference_free

            return inference_free(model)
        return super().with_towers(model, towers)

    def student(self, model: Any) -> "Student":
        """See `StudentKind.student`."""
        from distillir.students.sparse.student import SparseStudent

        return SparseStudent(model)

    def penalties(self, spec: StudentParts, first: bool) -> tuple[dict[str, float], float]:
        """The FLOPS regulariser's weights; they rise in a plan's first stage alone."""
        from distillir.students.sparse.flops_spec import FlopsSpec

        flops = spec.flops or FlopsSpec()
        weights = {"flops queries": flops.queries, "flops documents": flops.documents}
        return {name: weight for name, weight in weights.items() if weight}, flops.warmup if first else 0.0


SPARSE = SparseKind()
