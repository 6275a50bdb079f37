"""An OpenAI-compatible server (vLLM, llama.cpp, a provider): calls with retries, a rate limit and a budget."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillir.errors import DistillirError
from distillir.files import cache_root
from distillir.language_models.budget import Budget, Rate
from distillir.language_models.spec import ServerSpec
from distillir.progress import say

# Tokens that a chat template may put around a message.
_TEMPLATE_TOKENS = 64
_CHARACTERS_A_TOKEN = 4
_LONGEST_WAIT = 30.0


class NoAnswerError(Exception):
    """A call failed as often as it may."""


class RejectedError(Exception):
    """The server takes such calls, but not this one, or its response is none."""


class Server:
    """Calls to a server. Threads may share it.

    Retries are spread at random over waits that double from half a second to 30 seconds, or as long as the server says
    (``Retry-After``); what a call costs is counted for every attempt.

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
        self.budget = Budget(spec.budget.calls, spec.budget.tokens, cache_root() / "spending" / ledger)
        self._rate = Rate(spec.requests_per_minute)
        self._client = openai.OpenAI(
            base_url=spec.server,
            api_key=os.environ.get(spec.api_key_env) or "none",
            max_retries=0,
            timeout=spec.timeout,
        )

    def before(self, name: str, questions: int, characters: int, answer_tokens: int) -> None:
        """Say what is to be paid, and refuse what the budget has not left or nobody is there for.

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
        """Refuse to begin where nobody answers; costs nothing.

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

    def complete(self, text: str, **options: Any) -> Mapping[str, Any]:
        """One call.

        Args:
            text: The user's message, or the prompt.
            options: ``max_tokens`` and whatever else the server takes.

        Returns:
            The first of the response's ``choices``.

        Raises:
            NoAnswerError: The server did not answer, however often it was asked.
            RejectedError: It does not take this text (too long, a filter), or responds with something else.
            BudgetSpentError: Nothing is left for it.
            DistillirError: The server refuses such calls altogether (key, model, form).
        """
        import openai
        import tenacity

        passing = (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError)
        # A token is at least a byte of the text.
        most = len(text.encode()) + _TEMPLATE_TOKENS + int(options.get("max_tokens", 0))
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(1 + self.spec.retries),
            wait=_wait,
            retry=tenacity.retry_if_exception_type(passing),
            reraise=True,
        )
        try:
            return retrying(self._once, text, most, options)
        except passing as error:
            raise NoAnswerError(_reason(error)) from None
        except (openai.BadRequestError, openai.UnprocessableEntityError, openai.APIResponseValidationError) as error:
            raise RejectedError(_reason(error)) from None
        except openai.OpenAIError as error:
            raise DistillirError(
                f"refuses the call: {_reason(error)}",
                where=self.spec.server,
                remedy="check server, model, api and the key",
            ) from None

    def _once(self, text: str, most: int, options: Mapping[str, Any]) -> Mapping[str, Any]:
        import openai

        self._rate.wait()
        self.budget.take(most)
        common = {"model": self.spec.model, "temperature": 0, **options}
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


def _wait(state: Any) -> float:
    """Seconds before the next attempt."""
    import tenacity

    response = getattr(state.outcome.exception(), "response", None)
    told = None if response is None else response.headers.get("retry-after")
    if told is not None and told.replace(".", "", 1).isdigit():
        return min(float(told), 4 * _LONGEST_WAIT)
    return float(tenacity.wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT)(state)) + 0.1


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def server_name(spec: ServerSpec) -> str:
    """A server's model, for people."""
    return Path(spec.model).name
