"""Counts of texts that a language model failed to write, with an error where they are too many."""

from collections import Counter

from distillir.base.errors import DistillirError
from distillir.language_models.written import CUT, REFUSED, REJECTED, THINKING

#: Above this share of texts that are not there something is wrong with the settings, and going on would waste money.
MOST_UNANSWERED = 0.5
# So many texts are looked at before the share counts.
_FEWEST = 20

_TOLD = {
    REFUSED: "refused",
    REJECTED: "rejected by the server, or answered with something else",
    "failed": "never answered",
    THINKING: "thoughts without an answer",
    CUT: "cut off by max_tokens",
    "empty": "empty",
}


class AnswerTally:
    """Counts of the answers of a model, by the reason why they are none.

    Args:
        where: What messages call the model.
        answered: Texts that it wrote earlier, of those that are wanted now.
    """

    def __init__(self, where: str, answered: int = 0) -> None:
        self.where, self.answered = where, answered
        self.matters: Counter[str] = Counter()
        self._last = ""

    def add(self, matter: str | None, words: str = "") -> None:
        """Count an answer.

        Args:
            matter: What is the matter with it; None: nothing.
            words: What was said, for the message.
        """
        if matter is None:
            self.answered += 1
            return
        self.matters[matter] += 1
        self._last = words or self._last

    def hopeless(self, *, end: bool = False) -> DistillirError | None:
        """Make an error where more than half of all answers are none.

        Args:
            end: Nothing more is asked: few are enough to judge by.
        """
        lost = self.matters.total()
        if lost <= MOST_UNANSWERED * (lost + self.answered) or not (end or lost >= _FEWEST):
            return None
        worst, _ = self.matters.most_common(1)[0]
        shown = f" (one: {' '.join(self._last.split())[:100]!r})" if self._last else ""
        return DistillirError(
            f"no answer to {lost} of {lost + self.answered}, more than half: {self.told()}{shown}",
            where=self.where,
            remedy=_remedy(worst),
        )

    def told(self) -> str:
        """The reasons and their counts as a phrase; empty where every answer is one."""
        return "; ".join(f"{count} {_TOLD[name]}" for name, count in self.matters.most_common())


def _remedy(matter: str) -> str:
    if matter in (THINKING, CUT):
        return (
            "raise max_tokens, or turn the model's thinking off (behind a server: request: {reasoning_effort: low}, or "
            "request: {chat_template_kwargs: {enable_thinking: false}}); what was answered is kept"
        )
    if matter == REJECTED:
        return "check model and api, and document_words where texts are long; what was answered is kept"
    return "use another model or template; what was answered is kept"
