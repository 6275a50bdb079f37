"""Base of students whose documents stay: queries are encoded and trained, documents are read from the index."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from distillir.collections.table import TextTable
from distillir.students.student import Student

if TYPE_CHECKING:
    from distillir.students.kept_documents.index import KeptIndex


class KeptStudent(Student):
    """A query encoder beside documents that stay, for a kind of student as the second base.

    Args:
        model: The query encoder, a model of that kind.
        index: What is kept of the documents.
    """

    def __init__(self, model: Any, index: "KeptIndex") -> None:
        super().__init__(model)
        self.index = index

    documents_alone_as = "query"

    @abstractmethod
    def features(self, kept: Any) -> Any:
        """Kept encodings of a table's rows, as features of a batch (`distillir.batches.features.TextFeatures`)."""

    def documents(self, table: TextTable) -> Any:
        """See `Student.documents`."""
        return self.features(self.index.vectors(table))

    @property
    def documents_identity(self) -> str:
        """See `Student.documents_identity`."""
        return self.index.fingerprint
