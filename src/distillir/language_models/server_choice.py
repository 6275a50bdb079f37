"""The odds of two answers, by a model behind a server."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import xxhash

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.scripts import end_of_words, first_words
from distillir.language_models.answer import (
    LEAST_SHARE,
    NO_LOGPROBS,
    REFUSED,
    TAIL,
    THINKING,
    answer_text,
    first_token,
    read_answer,
)
from distillir.language_models.asker import UNANSWERED, Asker
from distillir.language_models.in_flight import InFlight
from distillir.language_models.prompt import Prompt
from distillir.language_models.server import NoAnswerError, PolicyError, RejectedError, Server, server_name
from distillir.language_models.spec import ServerChoiceSpec
from distillir.language_models.tally import MOST_UNANSWERED
from distillir.language_models.written import REJECTED

# Log-probabilities are told of this many tokens; providers give no more.
_TOP = 20
# So many answers in a row that nobody can read, from the first on, or that never come: going on would waste money.
_HOPELESS = 20

#: Odds, what is the matter, what was said.
Answer = tuple[float | None, str | None, str]


class ServerChoice(Asker):
    """log P(yes) - log P(no) by the log-probabilities of the answer's first token; see `answer.read_answer`.

    Args:
        spec: The server.
        prompt: The question.
    """

    def __init__(self, spec: ServerChoiceSpec, prompt: Prompt) -> None:
        self.spec, self.prompt = spec, prompt
        self.name = server_name(spec)
        self.least_share = LEAST_SHARE if spec.least_share is None else spec.least_share
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def fingerprint(self) -> str:
        """See `Asker.fingerprint`."""
        prompt = self.prompt
        identity = ["server", *self.spec.named(), prompt.template, prompt.yes, prompt.no, prompt.cue]
        identity += [str(self.spec.document_words)]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def kept_under(self) -> str:
        """See `Asker.kept_under`: answers of another least share are others."""
        return xxhash.xxh3_128_hexdigest(f"{self.fingerprint()} of {self.least_share}".encode())

    def formerly(self) -> str | None:
        """See `Asker.formerly`: odds whatever the share, and of words in one form alone."""
        return self.fingerprint()

    @cached_property
    def server(self) -> Server:
        """The connection."""
        return Server(self.spec, self.fingerprint())

    def counts(self) -> dict[str, int]:
        """Number of unusual answers by `distillir.language_models.answer`'s reasons, ``failed`` and ``imitated``."""
        return dict(self._counts)

    def reads(self, query: str, document: str) -> bool:
        """See `Asker.reads`."""
        words = self.spec.document_words
        return words is None or not document[end_of_words(document, words) :].strip()

    def length(self, query: str, documents: Sequence[str]) -> int:
        """See `Asker.length`."""
        return len(self._text(query, documents))

    def before(self, questions: int, characters: int) -> None:
        """See `Asker.before` and `Server.before`."""
        self.server.before(self.name, questions, characters, 1)

    def _text(self, query: str, documents: Sequence[str]) -> str:
        words = self.spec.document_words
        texts = [document if words is None else first_words(document, words) for document in documents]
        text = self.prompt.text(query, *texts)
        return text if self.spec.api == "chat" else text + self.prompt.cue

    def ask(self, queries: Sequence[str], documents: Sequence[tuple[str, ...]]) -> Iterator[tuple[Rows, Scores]]:
        """See `Asker.ask`; each answer by itself, in the order they come.

        What has no odds is given as `UNANSWERED` where it will stay so: a refusal, and other words, or words too
        unlikely, from a model that did answer other questions. Thoughts, and whatever came before any answer that could
        be read, may be the settings' fault: they are left out, and asked again the next time.

        Raises:
            DistillirError: The budget is spent, the server refuses, does not answer, or answers what nobody can read;
                what came before, and what was under way, has been given.
        """
        count, known_before = len(queries), self.readable
        calls = InFlight(
            lambda place, ended: self._one(queries[place], documents[place], ended), count, self.spec.in_flight
        )
        stopped: DistillirError | None = None
        answered = unread = in_a_row = 0
        held: list[int] = []
        last: Answer = (None, None, "")
        for place, found in calls.results():
            if isinstance(found, NoAnswerError):
                self._counts["failed"] += 1
                in_a_row += 1
                if in_a_row >= min(_HOPELESS, self.spec.in_flight, count):
                    stopped = stopped or self._gone(str(found))
            elif isinstance(found, DistillirError):
                stopped = stopped or found
            else:
                last = odds, matter, _ = _answer(found)
                in_a_row = 0
                answered, unread = answered + 1, unread + (odds is None)
                self.readable = self.readable or odds is not None
                if matter is not None:
                    self._counts[matter] += 1
                if odds is not None or matter == REFUSED:
                    yield np.array([place]), np.array([UNANSWERED if odds is None else odds], dtype=np.float32)
                elif matter not in (REJECTED, THINKING):
                    held.append(place)
                many = not self.readable or (not known_before and unread > MOST_UNANSWERED * answered)
                if many and unread >= _HOPELESS:
                    stopped = stopped or self._unreadable(last)
            if held and self.readable:
                yield np.array(held), np.full(len(held), UNANSWERED, dtype=np.float32)
                held = []
            if stopped is not None:
                calls.no_more()
        if stopped is None and not self.readable and unread:
            stopped = self._unreadable(last)
        if stopped is not None:
            raise stopped

    def _one(self, query: str, documents: tuple[str, ...], ended: threading.Event) -> Answer:
        if any(map(self.prompt.imitated_by, documents)):
            with self._lock:
                self._counts["imitated"] += 1
        chat = self.spec.api == "chat"
        told: dict[str, object] = {"logprobs": True, "top_logprobs": _TOP} if chat else {"logprobs": _TOP}
        choice = self.server.complete(self._text(query, documents), ended=ended, max_tokens=1, **told)
        odds, matter = read_answer(choice, self.prompt.yes, self.prompt.no, self.least_share)
        return odds, matter, answer_text(choice) or first_token(choice)

    def _gone(self, reason: str) -> DistillirError:
        return DistillirError(
            f"does not answer ({reason})",
            where=self.spec.server,
            remedy="start it and run again: what was paid for is kept",
        )

    def _unreadable(self, answer: Answer) -> DistillirError:
        _, matter, words = answer
        pair = f"{self.prompt.yes} or {self.prompt.no}"
        remedy = "use another model, or a template of your own"
        if matter == NO_LOGPROBS:
            reason, remedy = "no answer brings log-probabilities", "use a server and model that give them"
        elif matter == REJECTED:
            reason, remedy = f"rejects what it is asked ({words})", "check api, and document_words where texts are long"
        elif matter == THINKING:
            reason = f"the model thinks before it says {pair} (one answer begins {words[:60]!r})"
            remedy = (
                "turn its thinking off (request: {chat_template_kwargs: {enable_thinking: false}}, or the server's own "
                "setting), or use another model"
            )
        elif matter == TAIL:
            reason = (
                f"{pair} together have less than {self.least_share:g} of the probability (one answer begins "
                f"{words[:60]!r})"
            )
            remedy += "; least_share sets the limit"
        elif matter == REFUSED:
            reason = f"refuses what it is asked ({words[:60]!r})"
        else:
            some = f"none of the first answers is {pair}"
            if self.readable:
                some = f"more than half of the first answers are not {pair}"
            reason = f"{some} (one says {words[:60]!r})"
        return DistillirError(reason, where=f"{self.name} at {self.spec.server}", remedy=remedy)


def _answer(found: Answer | Exception) -> Answer:
    """Read the result of a call; a rejection is an answer without odds."""
    if isinstance(found, RejectedError):
        return None, REFUSED if isinstance(found, PolicyError) else REJECTED, str(found)
    if isinstance(found, Exception):
        raise found
    return found
