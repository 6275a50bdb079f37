"""Facts about a model from its files: their place, its kind, pooling, similarity, depth. No weights are loaded."""

import importlib.resources
import json
import os
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.encoding.loading import PACKAGED, is_packaged, one_line_errors
from distillir.encoding.tokenizer_files import lacks_tokenizer, without_tokenizer

#: What a folder holds that peft saved.
ADAPTER = "adapter_config.json"
_MODEL_FILES = ("modules.json", "config.json", "config_sentence_transformers.json")
#: sentence-transformers' word for a model (``ColBERT`` is PyLate's), and ours.
_KINDS = {
    "MultiVectorEncoder": "multi-vector",
    "ColBERT": "multi-vector",
    "SparseEncoder": "sparse",
    "CrossEncoder": "cross-encoder",
}


def resolve_model(name: str | os.PathLike[str]) -> str:
    """The folder or hub name that a model's name stands for.

    A folder of that name comes first; then a packaged model's alias (`PACKAGED`), if the package is installed; anything
    else is taken for a hub name.

    Args:
        name: A folder, an alias or a hub name such as ``intfloat/e5-small-v2``.

    Returns:
        A folder's path, or the hub name.

    Raises:
        DistillirError: The folder holds no model, one without a tokenizer, or an adapter that is not merged, or the
            name is a path to no folder.
    """
    text = os.fspath(name)
    folder = Path(text).expanduser()
    if text.strip() and folder.is_dir():
        adapter = next((path for path in (folder, folder / "0_Transformer") if (path / ADAPTER).is_file()), None)
        if adapter is not None:
            raise unmerged(text)
        if not any((folder / file).is_file() for file in _MODEL_FILES):
            raise DistillirError(
                "is a folder without a model", where=text, remedy="name a folder that sentence-transformers saved"
            )
        if lacks_tokenizer(folder):
            raise without_tokenizer(text)
        return str(folder)
    if is_packaged(text):
        return str(importlib.resources.files(PACKAGED[text]) / "model")
    if not text.strip() or text.startswith(("/", ".", "~")) or text.count("/") > 1 or "\\" in text or folder.is_file():
        raise DistillirError("is no model folder", where=text or "model", remedy="check the path")
    return text


def model_depth(name: str | os.PathLike[str], *, trust_remote_code: bool = False) -> int:
    """Number of transformer blocks of a model, by its configuration.

    Args:
        name: See `resolve_model`.
        trust_remote_code: Whether code of its own may run.

    Raises:
        DistillirError: There is no such model, or its configuration does not say.
    """
    from transformers import AutoConfig

    path = resolve_model(name)
    first = first_module_path(name)
    if first and Path(path).is_dir():
        path = str(Path(path) / first)
    with one_line_errors(str(name)):
        config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code)
        depth = getattr(config, "num_hidden_layers", None)
    if not isinstance(depth, int):
        raise DistillirError("does not say how many layers it has", where=str(name), remedy="choose another model")
    return depth


def own_pooling(name: str | os.PathLike[str]) -> str:
    """Pooling of a dense model, from a text's states to one vector: ``cls``, ``mean``, ``lasttoken`` ...

    Where its files say nothing it is ``mean``, as sentence-transformers has it for bare encoders.
    """
    settings = read_model_json(name, "1_Pooling/config.json")
    if not settings:
        return "mean"
    said = settings.get("pooling_mode")
    if isinstance(said, str):
        return said
    old = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}
    return next((word for key, word in old.items() if settings.get(key)), "another way")


def model_kind(name: str | os.PathLike[str]) -> str:
    """Kind of a model by its files: ``dense`` (the default), ``multi-vector``, ``sparse`` or ``cross-encoder``."""
    kind = _KINDS.get(str(read_model_json(name, "config_sentence_transformers.json").get("model_type")))
    if kind is None and "HF_ColBERT" in (read_model_json(name, "config.json").get("architectures") or []):
        kind = "multi-vector"
    return kind or "dense"


def check_kind(name: str | os.PathLike[str], wanted: str) -> None:
    """Refuse a model of another kind than ``dense``, ``multi-vector`` or ``sparse``; its weights are not loaded.

    sentence-transformers would load it all the same, with parts drawn at random.

    Raises:
        DistillirError: It is of another kind, or to be sparse and without a masked-LM head.
    """
    found = model_kind(name)
    if wanted == "sparse" and found == "dense":
        architectures = read_model_json(name, "config.json").get("architectures") or []
        if any(str(each).endswith("ForMaskedLM") for each in architectures):
            return
        raise headless(name)
    if found != wanted:
        raise DistillirError(f"is a {found} model", where=str(name), remedy=f"write {found} in place of {wanted}")


def read_model_json(name: str | os.PathLike[str], file: str) -> dict[str, Any]:
    """The mapping in one of a model's JSON files; empty where it has no such file.

    Raises:
        DistillirError: It holds something else.
    """
    with one_line_errors(str(name)):
        value = _read(name, file)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise ValueError(f"{file} holds no mapping")
    return value


def read_modules(name: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The modules that sentence-transformers builds a model of (``modules.json``); empty for other models.

    Raises:
        DistillirError: The file holds something else.
    """
    with one_line_errors(str(name)):
        value = _read(name, "modules.json") or []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ValueError("modules.json holds no list of modules")
    return value


def first_module_path(name: str | os.PathLike[str]) -> str:
    """Place of the transformer in a model's folder: empty for the folder itself, else such as ``0_Transformer``."""
    modules = read_modules(name)
    return str(modules[0].get("path") or "") if modules else ""


def _read(name: str | os.PathLike[str], file: str) -> Any:
    from transformers.utils import cached_file

    found = cached_file(resolve_model(name), file, _raise_exceptions_for_missing_entries=False)
    return None if found is None else json.loads(Path(found).read_text(encoding="utf-8"))


def similarity_name(name: str | os.PathLike[str]) -> str:
    """``cosine`` or ``dot``: what a dense model's configuration names, ``cosine`` where it names nothing.

    Raises:
        DistillirError: Another similarity; rankings by a distance are not supported.
    """
    similarity = read_model_json(name, "config_sentence_transformers.json").get("similarity_fn_name") or "cosine"
    if similarity not in ("cosine", "dot"):
        raise DistillirError(
            f"compares vectors by {similarity}", where=str(name), remedy="use a model that compares by dot or cosine"
        )
    return str(similarity)


def unmerged(name: str | os.PathLike[str]) -> DistillirError:
    """Make the error for a model whose folder holds an adapter (LoRA), alone or beside whole weights.

    An adapter's base lies elsewhere and may change there, and beside whole weights nobody can tell whether it is in
    them already: either would be a guess.
    """
    return DistillirError(
        f"holds an adapter (LoRA, {ADAPTER}) that is not merged into a model",
        where=os.fspath(name),
        remedy="merge it (peft: merge_and_unload, see docs/models.md) and name the merged folder; where it is merged "
        f"already, take {ADAPTER} out",
    )


def headless(name: str | os.PathLike[str]) -> DistillirError:
    """Make the error for a model that is to be sparse but has no head that weighs words."""
    return DistillirError(
        "has no masked-LM head, which a sparse (SPLADE) model needs to give a weight to each word",
        where=str(name),
        remedy="name a model saved with one (BertForMaskedLM, a SPLADE checkpoint), or another kind: dense or "
        "multi-vector",
    )
