"""Base of the kinds of student that encode queries and documents apart and search a corpus by encodings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.encoding.model_files import model_kind
from distillir.students.kind import Candidates, StudentKind

if TYPE_CHECKING:
    from distillir.base.arrays import Rows
    from distillir.collections import Collection
    from distillir.retrieval.retriever import Retriever


class VectorKind(StudentKind):
    """A kind whose folder a source of candidates of the name `StudentKind.model_kind` can search with."""

    def retriever(
        self,
        model: str,
        *,
        max_length: int | None = None,
        precision: str = "float32",
        trust_remote_code: bool = False,
        candidates: Candidates | None = None,
    ) -> "Retriever":
        """See `StudentKind.retriever`; the whole corpus is searched, whatever the candidates are."""
        from distillir.retrieval.sources import load_retriever

        options = {"max_length": max_length, "precision": precision, "trust_remote_code": trust_remote_code}
        return load_retriever({self.model_kind: {"model": model, **options}})

    def size(self, model: str, collection: "Collection", query_rows: "Rows", **options: Any) -> dict[str, Any]:
        """See `StudentKind.size`."""
        from distillir.encoding.kinds import ENCODERS

        return ENCODERS[self.model_kind].size(model, collection.corpus, collection.queries, query_rows, **options)

    def finite(self, model: Any, texts: Sequence[str]) -> bool:
        """See `StudentKind.finite`."""
        return all_finite(model.encode_document(list(texts), show_progress_bar=False))

    def refuse_others(self, name: str) -> str:
        """The kind of a model by its files: this one, or ``dense``, of which others can be made.

        Args:
            name: As in `distillir.students.load.load_student`.

        Raises:
            DistillirError: It is of a third kind.
        """
        from distillir.students.registry import STUDENTS

        found = model_kind(name)
        if found not in ("dense", self.model_kind):
            known = any(kind.model_kind == found for kind in STUDENTS.kinds())
            remedy = f"set student.kind to {found}, or name an encoder" if known else "name an encoder"
            raise DistillirError(f"is a {found} model", where=name, remedy=remedy)
        return found


def all_finite(encoded: Any) -> bool:
    """Tell whether the numbers of some texts' encodings, as sentence-transformers gives them, are all finite."""
    import torch

    if getattr(encoded, "is_sparse", False):
        encoded = encoded.coalesce().values()
    return all(bool(torch.isfinite(torch.as_tensor(vectors)).all()) for vectors in encoded)
