"""The interface of pairwise teachers."""

from abc import ABC, abstractmethod

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection


class PairwiseTeacher(ABC):
    """A teacher that tells which of two documents is the more relevant one.

    Attributes:
        name: Short, for people.
        distance: How far apart in the pointwise order the pairs lie that it is asked about, as published for its kind.
    """

    name: str
    distance: int = 5

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the teacher and of every setting that changes an answer (hex)."""

    def calls(self) -> dict[str, int]:
        """``asked``: pairs that the model was asked about in this process; ``cached``: pairs found in the cache.

        Language models add what was the matter with answers (`distillir.language_models.asker.Asker.counts`).
        """
        return {"asked": 0, "cached": 0}

    @abstractmethod
    def prefer(self, collection: Collection, queries: Rows, first: Rows, second: Rows) -> Scores:
        """Log-odds that the first document beats the second, in the order asked.

        Args:
            collection: Where the texts are.
            queries: Query rows [P].
            first: Document rows [P].
            second: Document rows [P].

        Returns:
            log(P / (1 - P)) [P], float32; NaN where the teacher was asked and gave no answer. The other order is
            another question, and may be answered otherwise.

        Raises:
            DistillirError: An answer is not finite; the message names query and documents.
        """
