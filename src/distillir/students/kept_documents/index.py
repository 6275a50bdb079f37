"""The index kept: document vectors that stay, wherever they come from."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from distillir.collections.table import TextTable

if TYPE_CHECKING:
    from distillir.students.kept_documents.vectors import DocumentVectors


class KeptIndex(ABC):
    """Document vectors that stay.

    Attributes:
        name: Short, for people.
        similarity: ``cosine`` or ``dot``.
    """

    name: str
    similarity: str

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of all that decides the vectors (hex)."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers of a vector."""

    @abstractmethod
    def vectors(self, table: TextTable) -> "DocumentVectors":
        """The vectors of a table's rows; all processes must ask together.

        Args:
            table: A corpus, or one with texts behind it that signals have brought.

        Raises:
            DistillirError: There are none of these texts.
        """
