"""Size of the part of a document that a language model is shown, by recipe and tokenizer; no weights are loaded."""

from dataclasses import dataclass
from typing import Any

from distillir.language_models.asker import Asker
from distillir.language_models.fitting import Fitted
from distillir.language_models.generator import CUE, TEMPLATE
from distillir.language_models.likelihood import QUERY_TOKENS, QueryLikelihood
from distillir.language_models.local import LanguageModel, load_tokenizer
from distillir.language_models.local_choice import LocalChoice
from distillir.language_models.server_choice import ServerChoice
from distillir.language_models.spec import LocalGeneratorSpec, ServerGeneratorSpec


@dataclass(frozen=True)
class DocumentRoom:
    """The room that a language model has for each text.

    Attributes:
        document: Tokens of a document's own text, or its words where there is no tokenizer; None: all of it.
        query: Tokens of a query's own text; None: all of it.
        tokenizer: The model's; None for a model behind a server.
    """

    document: int | None
    query: int | None = None
    tokenizer: Any = None


def asker_room(asker: Asker) -> DocumentRoom:
    """The room of a language model that judges documents.

    Raises:
        DistillirError: Its tokenizer cannot be loaded.
    """
    if isinstance(asker, LocalChoice):
        loaded = load_tokenizer(asker.model, chat=asker.chat, trust_remote_code=asker.trust_remote_code)
        fitted = Fitted(asker.prompt, loaded, asker.max_length)
        return DocumentRoom(fitted.document_tokens, fitted.query_tokens, loaded.tokenizer)
    if isinstance(asker, QueryLikelihood):
        loaded = load_tokenizer(asker.model, chat=False, trust_remote_code=asker.trust_remote_code)
        room = asker.max_length - _frame(loaded, asker.template) - QUERY_TOKENS - 2
        return DocumentRoom(max(1, room), QUERY_TOKENS, loaded.tokenizer)
    return DocumentRoom(asker.spec.document_words if isinstance(asker, ServerChoice) else None)


def generator_room(spec: LocalGeneratorSpec | ServerGeneratorSpec) -> DocumentRoom:
    """The room of a language model that writes queries; errors as `asker_room`."""
    if isinstance(spec, ServerGeneratorSpec):
        return DocumentRoom(spec.document_words)
    loaded = load_tokenizer(spec.model, chat=spec.chat, trust_remote_code=spec.trust_remote_code)
    frame = _frame(loaded, spec.template or TEMPLATE, "" if spec.template else CUE)
    return DocumentRoom(max(1, spec.max_length - frame - 2), None, loaded.tokenizer)


def _frame(loaded: LanguageModel, template: str, cue: str = "") -> int:
    """Tokens of a prompt without its document."""
    return len(loaded.ids([loaded.wrapped(template.format(document=""), cue)])[0])
