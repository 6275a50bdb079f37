"""Write a dense student as embedding servers read it: the files of sentence-transformers before 5.4."""

import json
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, read_json, write_json
from distillir.encoding.model_files import model_kind
from distillir.encoding.models import load_sentence_transformer
from distillir.encoding.saving import save_model
from distillir.encoding.text_limits import text_limits

#: Ways of pooling that servers know, by the key that each had.
_POOLING = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
#: The other keys of that file, all false.
_UNUSED = ("pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens")


def write_for_servers(model: str, output: Path) -> None:
    """Write a folder for text-embeddings-inference and vLLM, which sentence-transformers reads to the same vectors.

    Facts of the format: huggingface/text-embeddings-inference 1.9.3 (``router/src/lib.rs``: ``max_seq_length``, three
    keys of ``1_Pooling``; ``backends/src/lib.rs``: four names of modules; ``backends/candle/src/models/dense.rs``) and
    vLLM (``vllm/transformers_utils/config.py``: ``max_seq_length`` with ``do_lower_case``).

    Args:
        model: A folder or name of a dense model.
        output: Folder to write.

    Raises:
        DistillirError: The model is not dense, or made of other parts than the format holds.
    """
    if (kind := model_kind(model)) != "dense":
        raise DistillirError(f"is a {kind} model, and this form is of dense ones", where=model)
    loaded = load_sentence_transformer(model, device="cpu")
    modules = list(loaded.children())
    _check(modules, model)
    length = text_limits(model, "dense").tokens
    with atomic_directory(output) as folder:
        save_model(loaded, folder)
        _rename_modules(folder / "modules.json")
        width = modules[1].embedding_dimension
        keys = {key: mode == modules[1].pooling_mode for mode, key in _POOLING.items()}
        keys |= dict.fromkeys(_UNUSED, False)
        write_json(
            folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, **keys, "include_prompt": True}
        )
        if length is not None:
            file = folder / "sentence_bert_config.json"
            # Beside what stands there, which sentence-transformers reads as before.
            write_json(file, {**read_json(file, "export it again"), "max_seq_length": length, "do_lower_case": False})


def _check(modules: list[Any], model: str) -> None:
    """Refuse what servers would pass over or take for something else."""
    from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from torch.nn import Identity, Tanh

    if isinstance(modules[0], Router):
        raise DistillirError(
            "has encoders of its own for queries and for documents, and a server holds one",
            where=model,
            remedy="where documents are kept, name its folder query-encoder; else load it with sentence-transformers",
        )
    kinds = [type(module) for module in modules]
    linear = [module for module in modules if type(module) is Dense]
    plain = all(type(each.activation_function) in (Identity, Tanh) and not each.use_residual for each in linear)
    if kinds[:2] != [Transformer, Pooling] or not {*kinds[2:]} <= {Dense, Normalize} or not plain:
        raise DistillirError(
            f"is made of {', '.join(type(module).__name__ for module in modules)}; this form holds a transformer, "
            "pooling, and then linear layers (without residuals, with tanh or nothing behind them) and normalisation",
            where=model,
            remedy="load it with sentence-transformers",
        )
    pooling = modules[1]
    if pooling.pooling_mode not in _POOLING or not pooling.include_prompt:
        told = pooling.pooling_mode if pooling.include_prompt else "without the prompt's tokens"
        raise DistillirError(
            f"pools by {told}, and servers by {', '.join(_POOLING)} of all tokens",
            where=model,
            remedy="load it with sentence-transformers",
        )


def _rename_modules(file: Path) -> None:
    """Give the modules the names that they had; the newer ones are unknown to servers, linear layers then left out."""
    listed = json.loads(file.read_text(encoding="utf-8"))
    for module in listed:
        module["type"] = f"sentence_transformers.models.{module['type'].rsplit('.', 1)[-1]}"
    file.write_text(json.dumps(listed, indent=2), encoding="utf-8")
