"""The interface of teachers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.retrieval.run import Scores


class Teacher(ABC):
    """A teacher: anything that scores candidates, with an identity for the caches.

    Attributes:
        name: Short, for people.
        signals: Which of ``scores``, ``preferences``, ``layers`` it gives.
    """

    name: str
    signals: frozenset[str] = frozenset({"scores"})

    @abstractmethod
    def fingerprint(self, collection: Collection) -> str:
        """Identity of the teacher and of every setting that changes a score (hex)."""

    def reads(self, query: str, document: str) -> bool:
        """Tell whether a document's text reaches the teacher untruncated beside a query's."""
        return True

    def calls(self) -> dict[str, int]:
        """``asked``: pairs scored by the model in this process; ``cached``: pairs found in the score cache.

        Language models add what was the matter with answers (`distillir.language_models.asker.Asker.counts`).
        """
        return {"asked": 0, "cached": 0}

    @abstractmethod
    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Score candidate lists.

        Args:
            collection: Where the texts are.
            queries: Query rows [Q].
            lists: Per query, the candidate document rows; ragged, may be empty.

        Returns:
            Per query, raw float32 scores aligned with its list; higher is better. NaN where a language model was asked
            and gave no answer.

        Raises:
            DistillirError: A score is not finite; the message names the query and the document.
        """
