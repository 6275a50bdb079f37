"""The kind of a student whose documents are kept, by what is kept of them."""

from distillir.students.kept_documents.kept_kind import KeptKind
from distillir.students.kept_documents.kind import KeptDocumentsKind
from distillir.students.kept_documents.multi_vector.kind import KeptTokensKind
from distillir.students.kept_documents.sparse.kind import KeptWordsKind
from distillir.students.kept_documents.spec import DocumentsSpec

_KINDS: dict[str, type[KeptKind]] = {
    "dense": KeptDocumentsKind,
    "multi-vector": KeptTokensKind,
    "sparse": KeptWordsKind,
}


def kept_kind(spec: DocumentsSpec) -> KeptKind:
    """The kind of student for a recipe's ``student.documents``; nothing is opened."""
    return _KINDS[spec.kind](spec)
