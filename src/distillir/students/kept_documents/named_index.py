"""The index that a recipe names: of a model, or of vectors made elsewhere."""

from pathlib import Path

from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.model_index import ModelIndex
from distillir.students.kept_documents.spec import DocumentsSpec


def index_of(spec: DocumentsSpec) -> KeptIndex:
    """The index that a recipe keeps; nothing is opened.

    Raises:
        DistillirError: The model or the files are not there.
    """
    if spec.dense is not None:
        return ModelIndex(spec.dense, spec.stored)
    if spec.multi_vector is not None:
        from distillir.students.kept_documents.multi_vector.index import TokensIndex

        return TokensIndex(spec.multi_vector, spec.stored)
    if spec.sparse is not None:
        from distillir.students.kept_documents.sparse.index import WordsIndex

        return WordsIndex(spec.sparse, spec.stored)
    from distillir.students.kept_documents.vectors_index import VectorsIndex

    assert spec.vectors is not None
    ids = None if spec.ids is None else Path(spec.ids)
    return VectorsIndex(Path(spec.vectors), ids, spec.similarity or "cosine")
