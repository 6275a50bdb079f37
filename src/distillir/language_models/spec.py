"""Specs of language models in a recipe: by transformers, or behind a server."""

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from distillir.base.errors import DistillirError
from distillir.specs.form import read_options
from distillir.specs.kind import ByKey
from distillir.specs.part import Part, TwoTexts

Spec = TypeVar("Spec", bound=Part)
_SHARE = "probability that the two answers must have together to count; null: 0.01, and 0 for monot5 and duot5"
# Fields of a request that are set here.
_OURS = {
    "model",
    "messages",
    "prompt",
    "max_tokens",
    "max_completion_tokens",
    "logprobs",
    "top_logprobs",
    "n",
    "stream",
}


class BudgetSpec(Part):
    """Limits of calls and tokens, over all runs that ask the same questions of the same model."""

    calls: int | None = Field(None, ge=1, description="calls at most, retries counted; null: any number")
    tokens: int | None = Field(None, ge=1, description="tokens of prompts and answers at most; null: any number")


class PriceSpec(Part):
    """Prices for the estimate of costs, in any currency."""

    input: float = Field(0, ge=0, description="of a million tokens of prompts")
    output: float = Field(0, ge=0, description="of a million tokens of answers")


class ServerSpec(Part):
    """A model behind an OpenAI-compatible server."""

    server: str = Field(description="address, with /v1 where the server has it")
    model: str = Field(min_length=1, description="as the server calls it")
    api: Literal["chat", "completions"] = Field("chat", description="completions: for models without a chat template")
    api_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")
    in_flight: int = Field(16, ge=1, le=512, description="calls at once")
    requests_per_minute: float | None = Field(None, gt=0, description="null: any number")
    timeout: float = Field(120, gt=0, description="seconds an attempt may take")
    retries: int = Field(8, ge=0, description="further attempts where the server is busy, away or late")
    longest_wait: float = Field(300, gt=0, description="seconds that a server may ask to wait (Retry-After)")
    request: dict[str, Any] = Field(
        default_factory=dict, description="further fields of each request, such as {reasoning_effort: low}"
    )
    budget: BudgetSpec = Field(default_factory=BudgetSpec, description="calls and tokens that may be spent")
    price: PriceSpec = Field(default_factory=PriceSpec, description="for the estimate")
    identity: str | None = Field(
        None, description="what answers are kept under; null: server and model, so that another address pays anew"
    )

    @field_validator("server")
    @classmethod
    def _address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("give an address that begins with http:// or https://")
        return value.rstrip("/")

    @field_validator("request")
    @classmethod
    def _further(cls, value: dict[str, Any]) -> dict[str, Any]:
        if ours := sorted(_OURS & set(value)):
            raise ValueError(f"{ours[0]} is set by distillir")
        return value

    def named(self) -> list[str]:
        """Parts of the key that answers are kept under."""
        name = [self.identity] if self.identity is not None else [self.server, self.model, self.api]
        return [*name, json.dumps(self.request, sort_keys=True)] if self.request else name


class ServerChoiceSpec(ServerSpec):
    """A question of two answers to a server."""

    template: str | None = Field(None, description="a prompt of your own")
    answers: TwoTexts | None = Field(None, description="its two answers; the first speaks for the document")
    least_share: float | None = Field(None, ge=0, lt=1, description=_SHARE)
    document_words: int | None = Field(None, ge=1, description="words of each document at most; null: all")


class PublishedChoiceSpec(Part):
    """A model by transformers that was trained to say one of two words, asked as it was trained: monoT5, duoT5."""

    model: str = Field(min_length=1, description="folder, hub name or .gguf file")
    max_length: int | None = Field(None, ge=16, description="tokens of the whole prompt; null: as published")
    precision: Literal["auto", "float32", "bf16"] = Field("auto", description="of the model")
    trust_remote_code: bool = Field(False, description="let Python code that comes with the model run")
    least_share: float | None = Field(None, ge=0, lt=1, description=_SHARE)


class OwnPromptSpec(PublishedChoiceSpec):
    """The same, whose prompt may not be another."""

    @model_validator(mode="before")
    @classmethod
    def _own_prompt(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        given = {key: value[key] for key in ("server", "template", "answers", "chat") if key in value}
        if any(option is not None for option in given.values()):
            raise ValueError("has its own prompt and is read by transformers; use prompt for other models")
        return {key: option for key, option in value.items() if key not in given}


class LocalChoiceSpec(PublishedChoiceSpec):
    """A question of two answers to a model by transformers."""

    chat: bool | None = Field(None, description="through the chat template; null: where the tokenizer has one")
    template: str | None = Field(None, description="a prompt of your own")
    answers: TwoTexts | None = Field(None, description="its two answers; the first speaks for the document")


#: The options of a model that is asked a question of two answers.
CHOICE = ByKey("server", ServerChoiceSpec, LocalChoiceSpec)


class LikelihoodSpec(Part):
    """Query likelihood by a decoder."""

    model: str = Field(min_length=1, description="folder, hub name or .gguf file of a decoder")
    template: str | None = Field(None, description="what stands before the query, with {document}")
    max_length: int = Field(512, ge=80, description="tokens of document and query")
    precision: Literal["auto", "float32", "bf16"] = Field("auto", description="of the model")
    trust_remote_code: bool = Field(False, description="let Python code that comes with the model run")


class ServerGeneratorSpec(ServerSpec):
    """A server that writes queries."""

    template: str | None = Field(None, description="a prompt of your own, with {document}")
    document_words: int | None = Field(None, ge=1, description="words of each document at most; null: all")
    max_tokens: int = Field(32, ge=2, description="tokens of a query at most")


class LocalGeneratorSpec(Part):
    """A model by transformers that writes queries."""

    model: str = Field(min_length=1, description="folder, hub name or .gguf file")
    template: str | None = Field(None, description="a prompt of your own, with {document}; doc2query: '{document}'")
    chat: bool | None = Field(None, description="through the chat template; null: where the tokenizer has one")
    max_length: int = Field(512, ge=32, description="tokens of the prompt at most")
    trust_remote_code: bool = Field(False, description="let Python code that comes with the model run")
    max_tokens: int = Field(32, ge=2, description="tokens of a query at most")


#: The options of a query generator.
GENERATOR = ByKey("server", ServerGeneratorSpec, LocalGeneratorSpec)


def read_generator_spec(value: object, where: str) -> LocalGeneratorSpec | ServerGeneratorSpec:
    """The options of a query generator.

    Args:
        value: A model's name, or a mapping, with ``server`` for one behind a server.
        where: What messages call the place.

    Raises:
        DistillirError: Another form; the message names the key, and the nearest known one.
    """
    found: LocalGeneratorSpec | ServerGeneratorSpec
    if isinstance(value, Mapping) and "server" in value:
        found = read_spec(ServerGeneratorSpec, value, where)
    else:
        found = read_spec(LocalGeneratorSpec, value, where)
    if found.template is not None and "{document}" not in found.template:
        raise DistillirError("the template does not hold {document}", where=where)
    return found


def read_spec(kind: type[Spec], value: object, where: str) -> Spec:
    """Read a model's name, or a mapping of options.

    Raises:
        DistillirError: Another form; the message names the key, and the nearest known one.
    """
    if isinstance(value, str) and value.strip():
        value = {"model": value}
    if not isinstance(value, Mapping):
        raise DistillirError(f"{value!r} is no mapping", where=where, remedy="give a name, or {model: name}")
    found: Spec = read_options(kind, value, where)
    return found
