"""The index kept: vectors, token vectors or weights of words that stay, wherever they come from."""

from abc import ABC, abstractmethod
from typing import Any

from distillir.collections.table import TextTable


class KeptIndex(ABC):
    """Encodings of documents that stay: vectors, token vectors or weights of words.

    Attributes:
        name: Short, for people.
        similarity: Of vectors ``cosine`` or ``dot``, of token vectors ``maxsim`` or ``meanmaxsim``, of words ``dot``.
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
        """Numbers of a vector, or words of the vocabulary."""

    @abstractmethod
    def vectors(self, table: TextTable) -> Any:
        """Kept encodings of a table's rows, read by row; all processes must ask together.

        Args:
            table: A corpus, or one with texts behind it that signals have brought.

        Raises:
            DistillirError: There are none of these texts.
        """

    def check(self, table: TextTable) -> None:  # noqa: B027 - most have nothing to look at
        """Refuse, before anything is made, what is there already and is not of a table's rows; errors as `vectors`."""

    def facts(self, table: TextTable) -> dict[str, Any]:
        """Facts for ``metrics.json`` and the report; arguments and errors as `vectors`.

        Returns:
            ``name``, ``documents``, ``width``, ``bytes`` and ``similarity``; where a document is more than a vector
            also ``unit``, the word for what is kept, and ``units``, how many.
        """
        kept = self.vectors(table)
        documents, width = kept.shape
        return {
            "name": self.name,
            "documents": documents,
            "width": width,
            "bytes": documents * kept.bytes_each,
            "similarity": self.similarity,
        }
