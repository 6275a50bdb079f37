"""Language models by transformers: encoder-decoder and decoder-only, folders, hub names and GGUF files."""

import inspect
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distillir.collections.table import Rows
from distillir.encoding.batches import budget_groups, default_batch_tokens
from distillir.encoding.device import pick_device
from distillir.encoding.fingerprint import file_hash, model_fingerprint
from distillir.encoding.loading import one_line_errors
from distillir.encoding.model_files import resolve_model
from distillir.errors import DistillirError

_TEXTS_AT_ONCE = 1024
# Parts of the names of classes that transformers gives such models.
_LANGUAGE_MODELS = ("ForCausalLM", "LMHead", "ForConditionalGeneration")


@dataclass(frozen=True)
class LanguageModel:
    """A loaded model.

    Attributes:
        model: transformers', in evaluation mode.
        tokenizer: Its own, a fast one.
        seq2seq: Whether it has an encoder.
        chat: Whether its tokenizer has a chat template.
    """

    model: Any
    tokenizer: Any
    seq2seq: bool
    chat: bool

    def wrapped(self, text: str, cue: str = "") -> str:
        """A question as the model reads it: in its chat template, or with a cue where a decoder has none.

        Models that can do without thinking (Qwen3 and others, whose templates ask) are told not to think.
        """
        if self.chat:
            message = [{"role": "user", "content": text}]
            options = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
            return str(self.tokenizer.apply_chat_template(message, **options))
        return text if self.seq2seq else text + cue

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of wrapped texts; a chat template brings its special ones along."""
        found: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=not self.chat)["input_ids"]
        return found

    def batches(self, rows: Sequence[Sequence[int]]) -> Iterator[tuple[Rows, dict[str, Any]]]:
        """Places and features of token lists, the longest first; decoders are padded on the left."""
        import torch

        device = self.model.device
        takes_positions = "position_ids" in inspect.signature(self.model.forward).parameters
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        for places in budget_groups(lengths, default_batch_tokens(device)):
            width = int(lengths[places].max())
            ids = torch.full((len(places), width), self.tokenizer.pad_token_id or 0)
            mask = torch.zeros_like(ids)
            for i, place in enumerate(places.tolist()):
                part = slice(0, len(rows[place])) if self.seq2seq else slice(width - len(rows[place]), width)
                ids[i, part], mask[i, part] = torch.tensor(rows[place]), 1
            features = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
            if not self.seq2seq and takes_positions:
                features["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0).to(device)
            yield places, features


def load_language_model(name: str, *, chat: bool | None = None) -> LanguageModel:
    """Load a language model.

    Args:
        name: A folder, a hub name, or a ``.gguf`` file (of a decoder; its weights are widened).
        chat: Whether questions go through the tokenizer's chat template; None: where it has one.

    Raises:
        DistillirError: It cannot be loaded, or is no language model.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    folder, options = _located(name)
    with one_line_errors(name):
        config = AutoConfig.from_pretrained(folder, **options)
        seq2seq = bool(config.is_encoder_decoder)
        make = AutoModelForSeq2SeqLM if seq2seq else AutoModelForCausalLM
        model, told = make.from_pretrained(folder, output_loading_info=True, **options)
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    if told["missing_keys"] and not options:
        raise _headless(name)
    has_template = getattr(tokenizer, "chat_template", None) is not None
    if chat and not has_template:
        raise DistillirError("its tokenizer has no chat template", where=name, remedy="leave chat out")
    return LanguageModel(model.to(pick_device()).eval(), tokenizer, seq2seq, has_template if chat is None else chat)


def check_language_model(name: str) -> None:
    """Refuse a path to nothing, and a folder of another kind of model, without loading anything.

    Raises:
        DistillirError: There is no such folder or file, or its configuration names no language model.
    """
    folder, options = _located(name)
    file = Path(folder) / "config.json"
    if not options and file.is_file():
        kinds = json.loads(file.read_text(encoding="utf-8")).get("architectures") or []
        if kinds and not any(word in kind for kind in kinds for word in _LANGUAGE_MODELS):
            raise _headless(name)


def _headless(name: str) -> DistillirError:
    return DistillirError("has no head that gives probabilities of words", where=name, remedy="name a language model")


def language_model_fingerprint(name: str) -> str:
    """Hash of a model's files (hex)."""
    folder, options = _located(name)
    return file_hash(Path(folder) / options["gguf_file"]) if options else model_fingerprint(name)


def _located(name: str) -> tuple[str, dict[str, str]]:
    file = Path(name).expanduser()
    if file.suffix != ".gguf":
        return resolve_model(name), {}
    if not file.is_file():
        raise DistillirError("there is no such file", where=name, remedy="check the path")
    return str(file.parent), {"gguf_file": file.name}


def chunked(count: int) -> Iterator[slice]:
    """Slices of so many texts at a time."""
    for start in range(0, count, _TEXTS_AT_ONCE):
        yield slice(start, start + _TEXTS_AT_ONCE)
