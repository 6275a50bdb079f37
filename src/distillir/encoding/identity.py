"""The identity of a model's output: its files, and everything in a recipe or in loading that changes its numbers."""

import os
from typing import Any

import xxhash

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.encoding.fingerprint import model_fingerprint
from distillir.encoding.loading import one_line_errors
from distillir.encoding.model_files import (
    first_module_path,
    model_kind,
    read_model_json,
    read_modules,
    resolve_model,
)
from distillir.encoding.model_options import PLAIN, SIDES, ModelOptions, PromptChoice, Side, chosen_prompt
from distillir.encoding.saved_dtype import saved_in_half


def model_identity(model: Any, options: ModelOptions = PLAIN, sides: tuple[Side, ...] = SIDES) -> str:
    """Hash of everything that a model's vectors or scores depend on (hex).

    Args:
        model: As in `distillir.encoding.fingerprint.model_fingerprint`.
        options: How it is loaded.
        sides: Which texts it reads: only their prompts count.

    Returns:
        `model_fingerprint` itself where nothing else plays a part, so that what was kept under it stays.

    Raises:
        DistillirError: There is no such model, or it has no prompt of a name that the options give.
    """
    own = model_fingerprint(model)
    if not isinstance(model, str | os.PathLike):
        return own
    more = ["weights in float32"] if saved_in_half(model) else []
    if options.trust_remote_code and has_own_code(model):
        more.append("own code")
    for side, prompt in resolved_prompts(model, options).items():
        if side in sides and prompt != built_in_prompt(model, side):
            more.append(f"{side} prompt {prompt}")
    return xxhash.xxh3_128_hexdigest("\0".join([own, *more]).encode()) if more else own


def has_own_code(name: str | os.PathLike[str]) -> bool:
    """Tell whether Python code comes with a model, or is named by it: a class of its own, or a module."""
    files = ("config.json", "tokenizer_config.json")
    kinds = [str(module.get("type")) for module in read_modules(name)]
    foreign = any(not kind.startswith(("sentence_transformers.", "pylate.")) for kind in kinds)
    return foreign or any(read_model_json(name, file).get("auto_map") for file in files)


def resolved_prompts(name: str | os.PathLike[str], options: ModelOptions) -> dict[Side, str]:
    """The texts of the prompts that were given; those given by name are looked up in the model's files.

    Raises:
        DistillirError: The model has no prompt of that name.
    """
    return {side: _text(name, side, choice) for side, choice in options.sides.items()}


def _text(name: str | os.PathLike[str], side: Side, choice: PromptChoice) -> str:
    if not choice.named:
        return choice.text
    known = _saved_prompts(name)
    if choice.text not in known:
        raise DistillirError(
            f"knows no prompt named {choice.text!r}",
            where=f"{name}, prompts.{side}",
            remedy=nearest(choice.text, known) if known else "give the text itself",
        )
    return known[choice.text]


def _saved_prompts(name: str | os.PathLike[str]) -> dict[str, str]:
    saved = read_model_json(name, "config_sentence_transformers.json").get("prompts") or {}
    return {str(key): str(text) for key, text in saved.items() if text is not None}


def default_prompt(name: str | os.PathLike[str]) -> str | None:
    """The prompt that a model's files name as the one that is always taken; None where there is none."""
    wanted = read_model_json(name, "config_sentence_transformers.json").get("default_prompt_name")
    return _saved_prompts(name).get(str(wanted)) if wanted is not None else None


def has_prompts(name: str | os.PathLike[str]) -> bool:
    """Tell whether a model's files put anything before queries or documents."""
    config = read_model_json(name, "config_sentence_transformers.json")
    own, default = _saved_prompts(name), config.get("default_prompt_name")
    return any(chosen_prompt(own, default, side) for side in SIDES)


def check_own_code(name: str | os.PathLike[str], options: ModelOptions) -> None:
    """Refuse, before anything is loaded, a model whose configuration is code of its own that may not run.

    A model may name code of its own that transformers does not need: where it knows the architecture, its own is taken.

    Raises:
        DistillirError: The code would have to run.
    """
    from transformers import AutoConfig

    if options.trust_remote_code or not has_own_code(name):
        return
    path = resolve_model(name)
    first = first_module_path(name)
    with one_line_errors(str(name)):
        AutoConfig.from_pretrained(path, subfolder=first, trust_remote_code=False)


def built_in_prompt(name: str | os.PathLike[str], side: Side) -> str | None:
    """The prompt that a model uses by default, by its files; None where they do not say."""
    kind = model_kind(name)
    if kind == "cross-encoder":
        return default_prompt(name)
    config = read_model_json(name, "config_sentence_transformers.json")
    if config.get("model_type") == "ColBERT":  # PyLate keeps its markers elsewhere
        return None
    return chosen_prompt(_saved_prompts(name), config.get("default_prompt_name"), side)
