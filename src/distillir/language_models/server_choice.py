"""The odds of two answers, by a model behind a server."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cached_property

import numpy as np
import xxhash

from distillir.collections.table import Rows
from distillir.errors import DistillirError
from distillir.language_models.answer import NO_LOGPROBS, read_answer, said
from distillir.language_models.asker import UNANSWERED, Asker
from distillir.language_models.prompt import Prompt
from distillir.language_models.server import NoAnswerError, RejectedError, Server, server_name
from distillir.language_models.spec import ServerChoiceSpec
from distillir.retrieval.run import Scores

# Log-probabilities are told of this many tokens; providers give no more.
_TOP = 20
# So many answers in a row that nobody can read, from the first on, or that never come: going on would waste money.
_HOPELESS = 20


class ServerChoice(Asker):
    """log P(yes) - log P(no) by the log-probabilities of the answer's first token; see `answer.read_answer`.

    Args:
        spec: The server.
        prompt: The question.
    """

    def __init__(self, spec: ServerChoiceSpec, prompt: Prompt) -> None:
        self.spec, self.prompt = spec, prompt
        self.name = server_name(spec)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def fingerprint(self) -> str:
        """See `Asker.fingerprint`."""
        prompt = self.prompt
        identity = ["server", *self.spec.named(), prompt.template, prompt.yes, prompt.no, prompt.cue]
        identity += [str(self.spec.document_words)]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    @cached_property
    def server(self) -> Server:
        """The connection."""
        return Server(self.spec, self.fingerprint())

    def counts(self) -> dict[str, int]:
        """By `distillir.language_models.answer`'s words; ``failed``: never answered; ``imitated``: see `Prompt`."""
        return dict(self._counts)

    def reads(self, query: str, document: str) -> bool:
        """See `Asker.reads`."""
        return self.spec.document_words is None or len(document.split()) <= self.spec.document_words

    def length(self, query: str, documents: Sequence[str]) -> int:
        """See `Asker.length`."""
        return len(self._text(query, documents))

    def before(self, questions: int, characters: int) -> None:
        """See `Asker.before` and `Server.before`."""
        self.server.before(self.name, questions, characters, 1)

    def _text(self, query: str, documents: Sequence[str]) -> str:
        words = self.spec.document_words
        texts = [document if words is None else " ".join(document.split()[:words]) for document in documents]
        text = self.prompt.text(query, *texts)
        return text if self.spec.api == "chat" else text + self.prompt.cue

    def ask(self, queries: Sequence[str], documents: Sequence[tuple[str, ...]]) -> Iterator[tuple[Rows, Scores]]:
        """See `Asker.ask`; each answer by itself, in the order they come.

        Raises:
            DistillirError: The budget is spent, the server refuses, does not answer, or answers what nobody can read;
                what came before, and what was under way, has been given.
        """
        chat = self.spec.api == "chat"
        told: dict[str, object] = {"logprobs": True, "top_logprobs": _TOP} if chat else {"logprobs": _TOP}
        waiting = iter(range(len(queries)))
        stopped: DistillirError | None = None
        unread, in_a_row = 0, 0
        matter, words = None, ""
        with ThreadPoolExecutor(self.spec.in_flight) as pool:
            running: dict[Future[tuple[float | None, str | None, str]], int] = {}

            def fill() -> None:
                for place in waiting:
                    running[pool.submit(self._one, queries[place], documents[place], told)] = place
                    if len(running) >= self.spec.in_flight:
                        return

            fill()
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    place = running.pop(future)
                    try:
                        odds, matter, words = future.result()
                    except RejectedError as error:
                        self._counts["rejected"] += 1
                        unread += 1
                        if not self.readable and unread >= _HOPELESS:
                            stopped = stopped or self._unreadable("rejected", str(error))
                        matter, words = "rejected", str(error)
                        continue
                    except NoAnswerError as error:
                        self._counts["failed"] += 1
                        in_a_row += 1
                        if in_a_row >= min(_HOPELESS, self.spec.in_flight):
                            stopped = stopped or self._gone(str(error))
                        continue
                    except DistillirError as error:
                        stopped = stopped or error
                        continue
                    in_a_row = 0
                    if matter is not None:
                        self._counts[matter] += 1
                    self.readable = self.readable or odds is not None
                    unread += odds is None
                    if not self.readable and unread >= _HOPELESS:
                        stopped = stopped or self._unreadable(matter, words)
                    yield np.array([place]), np.array([UNANSWERED if odds is None else odds], dtype=np.float32)
                if stopped is None:
                    fill()
        if stopped is None and not self.readable and unread:
            stopped = self._unreadable(matter, words)
        if stopped is not None:
            raise stopped

    def _one(
        self, query: str, documents: tuple[str, ...], told: dict[str, object]
    ) -> tuple[float | None, str | None, str]:
        if any(map(self.prompt.imitated_by, documents)):
            with self._lock:
                self._counts["imitated"] += 1
        choice = self.server.complete(self._text(query, documents), max_tokens=1, **told)
        return *read_answer(choice, self.prompt.yes, self.prompt.no), said(choice)

    def _gone(self, reason: str) -> DistillirError:
        return DistillirError(
            f"does not answer ({reason})",
            where=self.spec.server,
            remedy="start it and run again: what was paid for is kept",
        )

    def _unreadable(self, matter: str | None, words: str) -> DistillirError:
        if matter == NO_LOGPROBS:
            reason, remedy = "no answer brings log-probabilities", "use a server and model that give them"
        elif matter == "rejected":
            reason, remedy = f"rejects what it is asked ({words})", "check api, and document_words where texts are long"
        else:
            reason = f"none of the first answers is {self.prompt.yes} or {self.prompt.no} (one says {words[:60]!r})"
            remedy = "use another model, or a template of your own"
        return DistillirError(reason, where=f"{self.name} at {self.spec.server}", remedy=remedy)
