"""Text that a language model writes: by transformers, or behind a server."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cached_property
from pathlib import Path

import xxhash

from distillir.encoding.reading import cut
from distillir.errors import DistillirError
from distillir.language_models.answer import said
from distillir.language_models.local import (
    LanguageModel,
    check_language_model,
    chunked,
    language_model_fingerprint,
    load_language_model,
)
from distillir.language_models.prompt import folded
from distillir.language_models.server import NoAnswerError, RejectedError, Server, server_name
from distillir.language_models.spec import LocalGeneratorSpec, ServerGeneratorSpec

#: Ours. For doc2query models (Nogueira and Lin 2019) the template is ``{document}``.
TEMPLATE = "Write one short search query that this document answers. Answer with the query alone.\n\n{document}"
CUE = "\n\nQuery:"


class Generator(ABC):
    """Writes one text of each document.

    Attributes:
        name: Short, for people.
    """

    name: str

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the model, the prompt and every setting that changes a text (hex)."""

    @abstractmethod
    def write(self, documents: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Places and texts, as soon as they are there."""


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
        self.spec, self.name = spec, Path(spec.model).name
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

    def write(self, documents: Sequence[str]) -> Iterator[tuple[int, str]]:
        """See `Generator.write`."""
        import torch

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
                        max_new_tokens=self.spec.max_tokens,
                        do_sample=False,
                        pad_token_id=loaded.tokenizer.pad_token_id or 0,
                    )
                new = found if loaded.seq2seq else found[:, features["input_ids"].shape[1] :]
                written = loaded.tokenizer.batch_decode(new, skip_special_tokens=True)
                yield from zip((places + part.start).tolist(), written, strict=True)


class ServerGenerator(Generator):
    """A model behind a server.

    Args:
        spec: The server.
    """

    def __init__(self, spec: ServerGeneratorSpec) -> None:
        self.spec, self.name = spec, server_name(spec)
        self.template = spec.template or TEMPLATE

    def fingerprint(self) -> str:
        """See `Generator.fingerprint`."""
        identity = ["server generator", *self.spec.named(), self.template]
        identity += [str(self.spec.document_words), str(self.spec.max_tokens)]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def write(self, documents: Sequence[str]) -> Iterator[tuple[int, str]]:
        """See `Generator.write`; what a server does not answer is left out.

        Raises:
            DistillirError: The server is away, or the budget is spent; what came before has been given.
        """
        server = Server(self.spec, self.fingerprint())
        words, plain = self.spec.document_words, self.spec.api == "completions" and self.spec.template is None
        texts = [
            self.template.format(document=" ".join(text.split()[:words])) + (CUE if plain else "") for text in documents
        ]
        server.before(f"{self.name} makes queries", len(texts), sum(map(len, texts)), self.spec.max_tokens)
        waiting, stopped = iter(enumerate(texts)), None
        with ThreadPoolExecutor(self.spec.in_flight) as pool:
            running: dict[Future[str], int] = {}
            while True:
                while stopped is None and len(running) < self.spec.in_flight and (one := next(waiting, None)):
                    running[pool.submit(self._one, server, one[1])] = one[0]
                if not running:
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    place = running.pop(future)
                    try:
                        yield place, future.result()
                    except RejectedError:
                        yield place, ""
                    except NoAnswerError as error:
                        stopped = stopped or DistillirError(
                            f"does not answer ({error})", where=self.spec.server, remedy="start it and run again"
                        )
                    except DistillirError as error:
                        stopped = stopped or error
        if stopped is not None:
            raise stopped

    def _one(self, server: Server, text: str) -> str:
        choice = server.complete(text, max_tokens=self.spec.max_tokens)
        # What was cut ends in half a word.
        return said(choice).rsplit(" ", 1)[0] if choice.get("finish_reason") == "length" else said(choice)
