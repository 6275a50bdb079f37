"""Language models by transformers: encoder-decoder and decoder-only, folders, hub names and GGUF files."""

import inspect
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.encoding.batches import budget_groups, default_batch_tokens
from distillir.encoding.device import pick_device
from distillir.encoding.fingerprint import file_hash, model_fingerprint
from distillir.encoding.identity import check_own_code, has_own_code
from distillir.encoding.loading import one_line_errors
from distillir.encoding.model_files import read_model_json, resolve_model
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.models import refuse_adapter
from distillir.encoding.positions import check_positions, learnt_positions
from distillir.encoding.precision import Precision
from distillir.encoding.saved_dtype import saved_dtype
from distillir.encoding.tokenizer_files import check_vocabulary

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
        positions: How many tokens it can read, where it has learnt positions; None: any number.
    """

    model: Any
    tokenizer: Any
    seq2seq: bool
    chat: bool
    positions: int | None = None

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
        """Token ids of wrapped texts; a chat template adds its special ones."""
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


def load_language_model(
    name: str,
    *,
    chat: bool | None = None,
    precision: Precision | None = None,
    max_length: int | None = None,
    trust_remote_code: bool = False,
) -> LanguageModel:
    """Load a language model.

    Args:
        name: A folder, a hub name, or a ``.gguf`` file (of a decoder; its weights are widened).
        chat: Whether questions go through the tokenizer's chat template; None: where it has one.
        precision: What it will compute in, which decides what its weights are held in; see `weights_dtype`.
        max_length: How many tokens it is to read at once.
        trust_remote_code: Whether code that comes with the model may run.

    Raises:
        DistillirError: It cannot be loaded, has code of its own that may not run, has no tokenizer that knows
            a word, has fewer positions than ``max_length``, or is no language model.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    folder, gguf = _located(name)
    if not gguf:
        refuse_adapter(name)
    dtype = weights_dtype(name, precision)
    options: dict[str, Any] = {**gguf, "trust_remote_code": trust_remote_code}
    with one_line_errors(name):
        config = AutoConfig.from_pretrained(folder, **options)
        seq2seq = bool(config.is_encoder_decoder)
        make = AutoModelForSeq2SeqLM if seq2seq else AutoModelForCausalLM
        model, told = make.from_pretrained(folder, output_loading_info=True, dtype=dtype, **options)
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    check_vocabulary(tokenizer, name)
    if told["missing_keys"] and not gguf:
        raise _headless(name)
    positions = learnt_positions(model)
    if max_length is not None:
        check_positions(max_length, positions, name)
    has_template = getattr(tokenizer, "chat_template", None) is not None
    if chat and not has_template:
        raise DistillirError("its tokenizer has no chat template", where=name, remedy="leave chat out")
    through_template = has_template if chat is None else chat
    return LanguageModel(model.to(pick_device()).eval(), tokenizer, seq2seq, through_template, positions)


def load_tokenizer(name: str, *, chat: bool | None = None, trust_remote_code: bool = False) -> LanguageModel:
    """Load a language model's tokenizer and template without its weights (``model`` is None).

    Args:
        name: See `load_language_model`, like the next two.
        chat: Whether questions go through the tokenizer's chat template; None: where it has one.
        trust_remote_code: Whether code that comes with the model may run.

    Raises:
        DistillirError: There is no such model, or no tokenizer for it that knows a word.
    """
    from transformers import AutoConfig, AutoTokenizer

    folder, gguf = _located(name)
    options: dict[str, Any] = {**gguf, "trust_remote_code": trust_remote_code}
    with one_line_errors(name):
        seq2seq = bool(AutoConfig.from_pretrained(folder, **options).is_encoder_decoder)
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    check_vocabulary(tokenizer, name)
    has_template = getattr(tokenizer, "chat_template", None) is not None
    return LanguageModel(None, tokenizer, seq2seq, has_template if chat is None else chat)


def weights_dtype(name: str, precision: Precision | None) -> Any:
    """The torch dtype in which a language model's weights are held.

    - ``float32``: float32, 4 bytes a weight, whatever they were saved in.
    - ``bf16``: bfloat16 where they were saved in 16 bits, so that a large model takes no more memory than its file;
      else float32, and the arithmetic alone is in bf16.
    - None (models that write text): as they were saved; float16, which CPUs hardly know, in float32 there.
    """
    import torch

    folder, gguf = _located(name)
    if not gguf and read_model_json(folder, "config.json").get("quantization_config"):
        return "auto"
    saved = "float32" if gguf else saved_dtype(name)
    if precision == "float32" or saved in ("float32", "float64"):
        return torch.float32
    if precision == "bf16":
        return torch.bfloat16
    return torch.float32 if saved == "float16" and pick_device() == "cpu" else getattr(torch, saved, "auto")


def check_language_model(name: str, *, trust_remote_code: bool = False) -> None:
    """Refuse a path to nothing, and a folder of another kind of model, without loading anything.

    Raises:
        DistillirError: There is no such folder or file, its configuration names no language model, or is code of its
            own that may not run.
    """
    folder, options = _located(name)
    file = Path(folder) / "config.json"
    if not options and file.is_file():
        kinds = json.loads(file.read_text(encoding="utf-8")).get("architectures") or []
        if kinds and not any(word in kind for kind in kinds for word in _LANGUAGE_MODELS):
            raise _headless(name)
        check_own_code(name, ModelOptions(trust_remote_code=trust_remote_code))


def _headless(name: str) -> DistillirError:
    return DistillirError("has no head that gives probabilities of words", where=name, remedy="name a language model")


def language_model_fingerprint(
    name: str, precision: Precision | None = None, *, trust_remote_code: bool = False
) -> str:
    """Hash (hex) of a model's files, and of its weights' precision where earlier versions used another one."""
    folder, options = _located(name)
    if options:
        return file_hash(Path(folder) / options["gguf_file"])
    more = []
    if precision is not None and (saved := saved_dtype(name)) != (held := _word(weights_dtype(name, precision))):
        more += [f"{saved} as {held}"] if saved != "float64" else []
    if trust_remote_code and has_own_code(name):
        more.append("own code")
    own = model_fingerprint(name)
    return xxhash.xxh3_128_hexdigest("\0".join([own, *more]).encode()) if more else own


def _word(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _located(name: str) -> tuple[str, dict[str, str]]:
    file = Path(name).expanduser()
    if file.suffix != ".gguf":
        return resolve_model(name), {}
    if not file.is_file():
        raise DistillirError("there is no such file", where=name, remedy="check the path")
    return str(file.parent), {"gguf_file": file.name}


def chunked(count: int) -> Iterator[slice]:
    """Yield slices of a fixed number of texts that cover ``count`` texts."""
    for start in range(0, count, _TEXTS_AT_ONCE):
        yield slice(start, start + _TEXTS_AT_ONCE)
