"""An OpenAI-compatible server (vLLM, llama.cpp, a provider): calls with retries, a rate limit and a budget."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import cache_root
from distillir.base.progress import say
from distillir.language_models.budget import Rate, ServerBudget
from distillir.language_models.patience import Waiting, retry_after, sleep, span
from distillir.language_models.refusals import against_policy, out_of_money, refused_parameter, too_long, unknown_model
from distillir.language_models.spec import ServerSpec

# Tokens that a chat template may put around a message.
_TEMPLATE_TOKENS = 64
_CHARACTERS_A_TOKEN = 4
# Of waits that double; one that the server asks for may be longer.
_LONGEST_WAIT = 30.0
# Status codes of a server that may answer the next time: timeouts, conflicts, too early, too many.
_PASSING = (408, 409, 425, 429)
# Parameters that newer models refuse: what stands for each (None: nothing), and what is told of it.
_OTHERS: dict[str, tuple[str | None, str]] = {
    "max_tokens": ("max_completion_tokens", "is asked with max_completion_tokens: it takes no max_tokens"),
    "temperature": (None, "takes no temperature: its answers are drawn, not the likeliest"),
}


class NoAnswerError(Exception):
    """A call failed in all its attempts."""


class RejectedError(Exception):
    """The server takes such calls, but rejects this one, or its response cannot be read."""


class PolicyError(RejectedError):
    """The provider's policy refuses this text for good."""


class Server:
    """Calls to a server. Threads may share it.

    Retries are spread at random over waits that double from half a second to 30 seconds, or as long as the server says
    (``Retry-After``); what a call costs is counted for every attempt. Models that take ``max_completion_tokens`` in
    place of ``max_tokens``, or no ``temperature``, are asked so after the first refusal.

    Args:
        spec: Address, model and limits.
        ledger: Name of what the budget is for: the same questions of the same model share one.

    Raises:
        DistillirError: The extra ``llm`` is not installed.
    """

    def __init__(self, spec: ServerSpec, ledger: str) -> None:
        try:
            import openai
            import tenacity  # noqa: F401 - of the same extra
        except ModuleNotFoundError:
            raise DistillirError(
                "an LLM server is asked through the openai client, which is not installed",
                where="teacher",
                remedy="pip install 'distillir[llm]'",
            ) from None
        self.spec = spec
        self.budget = ServerBudget(spec.budget.calls, spec.budget.tokens, cache_root() / "spending" / ledger)
        self._rate = Rate(spec.requests_per_minute)
        self._waiting = Waiting(f"{server_name(spec)} at {spec.server}")
        self._never = threading.Event()
        self._lock = threading.Lock()
        # What the model was found not to take: parameters, and by what each is replaced (None: left out).
        self._other: dict[str, str | None] = {}
        self._client = openai.OpenAI(
            base_url=spec.server,
            api_key=os.environ.get(spec.api_key_env) or "none",
            max_retries=0,
            timeout=spec.timeout,
        )

    def before(self, name: str, questions: int, characters: int, answer_tokens: int) -> None:
        """Announce the cost; refuse to begin where the budget does not suffice or the server does not answer.

        Args:
            name: Who asks.
            questions: How many calls.
            characters: Of their texts.
            answer_tokens: Of each answer at most.

        Raises:
            DistillirError: The budget has not so many calls, or tokens by the estimate, left; or as `ping`.
        """
        prompt, answers = characters // _CHARACTERS_A_TOKEN, questions * answer_tokens
        price = (prompt * self.spec.price.input + answers * self.spec.price.output) / 1e6
        cost = f", about {price:.2f} by the prices given" if price else ""
        left = self.budget.left
        limits = [
            f"{count} {what} left" for what, count in zip(("calls", "tokens"), left, strict=True) if count is not None
        ]
        budget = f"; budget: {', '.join(limits)}" if limits else ""
        say(f"{name} at {self.spec.server}: {questions} calls, some {prompt + answers} tokens{cost}{budget}")
        for what, count, need in zip(("calls", "tokens"), left, (questions, prompt + answers), strict=True):
            if count is not None and count < need:
                raise DistillirError(
                    f"{need} {what} are needed and {max(count, 0)} are left; nothing was asked",
                    where=f"budget.{what}",
                    remedy="raise it, or ask for fewer queries, candidates or pairs",
                )
        self.ping()

    def ping(self) -> None:
        """Refuse to begin where the server does not answer; costs nothing.

        Raises:
            DistillirError: There is no server, or it does not know the key.
        """
        import openai

        try:
            self._client.models.list(timeout=min(10.0, self.spec.timeout))
        except (openai.APIConnectionError, openai.AuthenticationError) as error:
            raise DistillirError(
                f"does not answer ({_reason(error)})", where=self.spec.server, remedy="check address, key and server"
            ) from None
        except openai.OpenAIError:
            return  # some servers list no models

    def complete(self, text: str, *, ended: threading.Event | None = None, **options: Any) -> Mapping[str, Any]:
        """Make one call, with retries.

        Args:
            text: The user's message, or the prompt.
            ended: Set when the program is to end: then no further attempt is made.
            options: ``max_tokens`` and whatever else the server takes.

        Returns:
            The first of the response's ``choices``.

        Raises:
            NoAnswerError: The server did not answer, however often it was asked.
            RejectedError: It does not take this text (too long, `PolicyError`), or responds with something else.
            BudgetSpentError: Nothing is left for it.
            DistillirError: The server refuses such calls altogether (key, model, form, money, patience).
            StoppedError: The program is to end.
        """
        import openai
        import tenacity

        ended = ended or self._never
        # A token is at least a byte of the text.
        most = len(text.encode(errors="replace")) + _TEMPLATE_TOKENS + int(options.get("max_tokens", 0))
        attempts = 1 + self.spec.retries

        def told(state: Any) -> None:
            seconds, reason = state.next_action.sleep, _reason(state.outcome.exception())
            self._waiting.tell(seconds, reason, state.attempt_number + 1, attempts)

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(attempts),
            wait=_wait,
            sleep=lambda seconds: sleep(seconds, ended),
            before_sleep=told,
            retry=tenacity.retry_if_exception(_passes),
            reraise=True,
        )
        try:
            return retrying(self._once, text, most, options, ended)
        except (openai.APIResponseValidationError, UnicodeEncodeError) as error:
            raise RejectedError(_reason(error)) from None
        except openai.OpenAIError as error:
            if _passes(error):
                raise NoAnswerError(_reason(error)) from None
            if against_policy(error):
                raise PolicyError(_reason(error)) from None
            taken = isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError)
            if too_long(error) or (taken and not unknown_model(error)):
                raise RejectedError(_reason(error)) from None
            raise self._refuses(error, "check server, model, api and the key") from None

    def _once(self, text: str, most: int, options: Mapping[str, Any], ended: threading.Event) -> Mapping[str, Any]:
        """Make one attempt, again where a parameter needs another name."""
        import openai

        while True:
            self._rate.wait(ended)
            self.budget.take(most)
            asked = self._parameters(options)
            try:
                return self._call(text, most, asked)
            except openai.APIStatusError as error:
                if out_of_money(error):
                    raise self._refuses(
                        error, "waiting does not help: pay, or use another key; what was paid for is kept"
                    ) from None
                if isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
                    name = refused_parameter(error, {**asked, **self.spec.request})
                    if name is None:
                        raise
                    self._do_without(name, error)
                    self.budget.give_back(most)
                    continue
                patience = retry_after(error.response.headers) if _passes(error) else None
                if patience is not None and patience > self.spec.longest_wait:
                    raise DistillirError(
                        f"asks to wait for {span(patience)} ({_reason(error)})",
                        where=self.spec.server,
                        remedy="run again then: what was paid for is kept (longest_wait: seconds that are waited for)",
                    ) from None
                raise

    def _parameters(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of a call beside model and text, by the names that this model takes."""
        with self._lock:
            other = dict(self._other)
        asked = {name: value for name, value in {"temperature": 0, **options}.items() if name not in self.spec.request}
        return {new: value for name, value in asked.items() if (new := other.get(name, name))}

    def _do_without(self, name: str, error: Exception) -> None:
        """Leave out or rename a parameter in all further calls.

        Raises:
            DistillirError: There is no other way.
        """
        if name in self.spec.request:
            raise self._refuses(error, f"leave {name} out of request")
        if name not in _OTHERS or (name == "max_tokens" and self.spec.api != "chat"):
            odds = "use a server and model that give log-probabilities"
            raise self._refuses(error, odds if "logprobs" in name else "check server and model")
        with self._lock:
            first = name not in self._other
            self._other[name] = _OTHERS[name][0]
        if first:
            say(f"{self._waiting.who} {_OTHERS[name][1]}")

    def _call(self, text: str, most: int, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        import openai

        common = {"model": self.spec.model, **asked, "extra_body": dict(self.spec.request) or None}
        response: Any
        try:
            if self.spec.api == "chat":
                response = self._client.chat.completions.create(messages=[{"role": "user", "content": text}], **common)
            else:
                response = self._client.completions.create(prompt=text, **common)
        except openai.APIConnectionError as error:
            if type(error.__cause__).__name__ == "ConnectError":
                self.budget.give_back(most)  # nobody was there to be paid
            raise
        except ValueError as error:
            raise RejectedError(f"the response is no JSON: {_reason(error)}") from None
        told = response.model_dump(warnings=False) if hasattr(response, "model_dump") else {}
        usage, choices = told.get("usage"), told.get("choices")
        used = usage.get("total_tokens") if isinstance(usage, Mapping) else None
        self.budget.settle(most, used if isinstance(used, int) and used >= 0 else most)
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
            raise RejectedError("the response holds no choice")
        found: Mapping[str, Any] = choices[0]
        return found

    def _refuses(self, error: Exception, remedy: str) -> DistillirError:
        return DistillirError(f"refuses the call: {_reason(error)}", where=self.spec.server, remedy=remedy)


def _passes(error: BaseException) -> bool:
    """Tell whether the next attempt may succeed."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code in _PASSING or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError)


def _wait(state: Any) -> float:
    """Seconds before the next attempt."""
    import tenacity

    response = getattr(state.outcome.exception(), "response", None)
    told = None if response is None else retry_after(response.headers)
    drawn = float(tenacity.wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT)(state)) + 0.1
    return told or drawn


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def server_name(spec: ServerSpec) -> str:
    """Name of a server's model, for messages."""
    return Path(spec.model).name
