"""The interface that teachers have to a language model that is asked."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from distillir.base.arrays import Rows, Scores

#: In the score cache: it was asked and paid for, and what it said is no answer. Teachers give NaN for it.
UNANSWERED = np.finfo(np.float32).max


class Asker(ABC):
    """A language model with one question.

    Attributes:
        name: Short, for people.
        readable: Whether an answer of it was ever read, now or earlier: then those that cannot be read stop nothing.
    """

    name: str
    readable: bool = False

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the model, the question and every setting that changes an answer (hex)."""

    def kept_under(self) -> str:
        """Key that answers are kept under (hex)."""
        return self.fingerprint()

    def formerly(self) -> str | None:
        """Key under which earlier versions kept answers that were checked less; None where there are none."""
        return None

    def before(self, questions: int, characters: int) -> None:  # noqa: B027 - most have nothing to say
        """Announce the questions and their cost; refuse them where the budget does not pay for all.

        Args:
            questions: How many are to be asked.
            characters: Of their texts, templates included.
        """

    def reads(self, query: str, document: str) -> bool:
        """Tell whether a document reaches the model to its end."""
        return True

    @abstractmethod
    def length(self, query: str, documents: Sequence[str]) -> int:
        """Number of characters of a question."""

    def counts(self) -> dict[str, int]:
        """Number of unusual answers, by the reason."""
        return {}

    @abstractmethod
    def ask(self, queries: Sequence[str], documents: Sequence[tuple[str, ...]]) -> Iterator[tuple[Rows, Scores]]:
        """Ask aligned questions [N].

        Args:
            queries: Texts.
            documents: One text each, or two.

        Yields:
            Places [B] and what was found [B], as soon as it is there: log-odds of the first answer against the second,
            or `UNANSWERED`. What could not be asked (a server that does not answer) is left out.
        """
