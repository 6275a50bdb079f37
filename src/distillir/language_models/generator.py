"""Writing of texts by a language model, by transformers or behind a server."""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import xxhash

from distillir.base.errors import DistillirError
from distillir.base.scripts import first_words
from distillir.encoding.reading import cut
from distillir.language_models.answer import answer_text, reasoning
from distillir.language_models.in_flight import InFlight
from distillir.language_models.local import (
    LanguageModel,
    check_language_model,
    chunked,
    language_model_fingerprint,
    load_language_model,
)
from distillir.language_models.prompt import folded
from distillir.language_models.server import NoAnswerError, PolicyError, RejectedError, Server, server_name
from distillir.language_models.spec import LocalGeneratorSpec, ServerGeneratorSpec
from distillir.language_models.tally import AnswerTally
from distillir.language_models.written import FAILED, REFUSED, REJECTED, read_text

#: Ours. For doc2query models (Nogueira and Lin 2019) the template is ``{document}``.
TEMPLATE = "Write one short search query that this document answers. Answer with the query alone.\n\n{document}"
CUE = "\n\nQuery:"


class Generator(ABC):
    """A language model that writes one text for each document.

    Attributes:
        name: Short, for people.
        max_tokens: Of a text at most.
    """

    name: str
    max_tokens: int

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the model, the prompt and every setting that changes a text (hex)."""

    @abstractmethod
    def write(self, documents: Sequence[str], tally: AnswerTally | None = None) -> Iterator[tuple[int, str | None]]:
        """Places and texts, as soon as they are there; None: refused for the content of the document, for good.

        What is no answer (`distillir.language_models.written.read_text`, or none came) is left out and counted.

        Args:
            documents: Texts.
            tally: Counts; None: counts of these documents alone.

        Raises:
            DistillirError: More than half are no answers (`Tally.hopeless`); what was answered has been given.
        """


def load_generator(spec: LocalGeneratorSpec | ServerGeneratorSpec) -> Generator:
    """Make what a recipe names; the model is loaded when the first text is wanted.

    Raises:
        DistillirError: There is no such model.
    """
    return ServerGenerator(spec) if isinstance(spec, ServerGeneratorSpec) else LocalGenerator(spec)


class LocalGenerator(Generator):
    """A model that transformers runs; the likeliest word each time.

    Args:
        spec: The model.

    Raises:
        DistillirError: There is no such model.
    """

    def __init__(self, spec: LocalGeneratorSpec) -> None:
        check_language_model(spec.model, trust_remote_code=spec.trust_remote_code)
        self.spec, self.name, self.max_tokens = spec, Path(spec.model).name, spec.max_tokens
        self.template = spec.template or TEMPLATE

    def fingerprint(self) -> str:
        """See `Generator.fingerprint`."""
        own = language_model_fingerprint(self.spec.model, trust_remote_code=self.spec.trust_remote_code)
        identity = ["generator", own, self.template]
        identity += [str(self.spec.max_length), str(self.spec.max_tokens), str(self.spec.chat)]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    @cached_property
    def _loaded(self) -> LanguageModel:
        return load_language_model(self.spec.model, chat=self.spec.chat, trust_remote_code=self.spec.trust_remote_code)

    def write(self, documents: Sequence[str], tally: AnswerTally | None = None) -> Iterator[tuple[int, str | None]]:
        """See `Generator.write`."""
        import torch

        tally = tally or AnswerTally(self.name)
        loaded = self._loaded
        cue = "" if self.spec.template else CUE
        frame = len(loaded.ids([loaded.wrapped(self.template.format(document=""), cue)])[0])
        room = max(1, self.spec.max_length - frame - 2)
        for part in chunked(len(documents)):
            texts = cut(loaded.tokenizer, [folded(text) for text in documents[part]], room)
            rows = loaded.ids([loaded.wrapped(self.template.format(document=text), cue) for text in texts])
            for places, features in loaded.batches(rows):
                features.pop("position_ids", None)
                with torch.inference_mode():
                    found = loaded.model.generate(
                        **features,
                        max_new_tokens=self.max_tokens,
                        do_sample=False,
                        pad_token_id=loaded.tokenizer.pad_token_id or 0,
                    )
                new = found if loaded.seq2seq else found[:, features["input_ids"].shape[1] :]
                ended = self._ended(new[:, 1:] if loaded.seq2seq else new)
                written = loaded.tokenizer.batch_decode(new, skip_special_tokens=True)
                for place, text, whole in zip(places.tolist(), written, ended, strict=True):
                    goes_on = not (loaded.chat or loaded.seq2seq)
                    answer, matter = read_text(text, cut=not whole, goes_on=goes_on)
                    tally.add(matter, text)
                    if matter is None:
                        yield place + part.start, answer
                if (error := tally.hopeless()) is not None:
                    raise error
        if (error := tally.hopeless(end=True)) is not None:
            raise error

    def _ended(self, new: Any) -> list[bool]:
        """Tell whether the model ended each of the written token rows [B, T] by itself."""
        import torch

        ends = self._loaded.model.generation_config.eos_token_id
        ends = [] if ends is None else ends if isinstance(ends, list) else [ends]
        if new.shape[1] < self.max_tokens:
            return [True] * len(new)  # all have, or the others would have been written on
        found: list[bool] = torch.isin(new, torch.tensor(ends, device=new.device)).any(dim=1).tolist()
        return found


class ServerGenerator(Generator):
    """A model behind a server.

    Args:
        spec: The server.
    """

    def __init__(self, spec: ServerGeneratorSpec) -> None:
        self.spec, self.name, self.max_tokens = spec, server_name(spec), spec.max_tokens
        self.template = spec.template or TEMPLATE

    def fingerprint(self) -> str:
        """See `Generator.fingerprint`."""
        identity = ["server generator", *self.spec.named(), self.template]
        identity += [str(self.spec.document_words), str(self.spec.max_tokens)]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def write(self, documents: Sequence[str], tally: AnswerTally | None = None) -> Iterator[tuple[int, str | None]]:
        """See `Generator.write`.

        Raises:
            DistillirError: The server is away, or the budget is spent; what came before has been given. Or as there.
        """
        tally = tally or AnswerTally(self.name)
        server = Server(self.spec, self.fingerprint())
        words, plain = self.spec.document_words, self.spec.api == "completions" and self.spec.template is None
        texts = [self.template.format(document=first_words(text, words)) + (CUE if plain else "") for text in documents]
        server.before(f"{self.name} makes queries", len(texts), sum(map(len, texts)), self.max_tokens)

        def one(place: int, ended: threading.Event) -> Mapping[str, Any]:
            return server.complete(texts[place], ended=ended, max_tokens=self.max_tokens)

        calls, stopped = InFlight(one, len(texts), self.spec.in_flight), None
        for place, found in calls.results():
            if isinstance(found, PolicyError):
                tally.add(REFUSED, str(found))
                yield place, None
            elif isinstance(found, RejectedError):
                tally.add(REJECTED, str(found))
            elif isinstance(found, NoAnswerError):
                tally.add(FAILED)
                stopped = stopped or DistillirError(
                    f"does not answer ({found})",
                    where=self.spec.server,
                    remedy="start it and run again: what was paid for is kept",
                )
            elif isinstance(found, DistillirError):
                stopped = stopped or found
            elif isinstance(found, Exception):
                raise found
            else:
                answer, matter = self._read(found)
                tally.add(matter, answer_text(found))
                if matter in (None, REFUSED):
                    yield place, None if matter else answer
            stopped = stopped or tally.hopeless()
            if stopped is not None:
                calls.no_more()
        stopped = stopped or tally.hopeless(end=True)
        if stopped is not None:
            raise stopped

    def _read(self, choice: Mapping[str, Any]) -> tuple[str, str | None]:
        message = choice.get("message")
        refusal = isinstance(message, Mapping) and message.get("refusal")
        if refusal or choice.get("finish_reason") == "content_filter":
            return "", REFUSED
        cut_off, plain = choice.get("finish_reason") == "length", self.spec.api == "completions"
        return read_text(answer_text(choice), cut=cut_off, goes_on=plain, thought=reasoning(choice))
