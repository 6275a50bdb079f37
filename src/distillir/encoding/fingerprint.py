"""Fingerprints of models: equal weights and settings have equal fingerprints."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import xxhash

from distillir.base.files import file_state
from distillir.encoding.model_files import resolve_model

# Files of a model's folder that change no output.
_NO_MATTER = {".md", ".lock", ".png", ".jsonl", ".log"}
_BLOCK = 1 << 24


def model_fingerprint(model: Any) -> str:
    """Hash of a model's weights and settings (hex).

    Args:
        model: A folder, alias or hub name (`distillir.encoding.model_files.resolve_model`), or a loaded module.

    Returns:
        For a folder, a hash of the content of its files, wherever it lies; for a hub name, of the name and the commit
        that would be loaded; for a loaded module, of its parameters and sentence-transformers settings.

    Raises:
        DistillirError: There is no such model.
    """
    if not isinstance(model, str | os.PathLike):
        return _of_module(model)
    path = resolve_model(model)
    return _of_folder(Path(path)) if Path(path).is_dir() else _of_hub(path)


def _of_folder(folder: Path) -> str:
    digest = xxhash.xxh3_128()
    for name, content in file_hashes(folder).items():
        digest.update(f"{name}\0{content}\0".encode())
    return digest.hexdigest()


def file_hashes(folder: Path, *but: str) -> dict[str, str]:
    """Content hashes (hex) of those files of a model's folder that its output may depend on, by their names in it.

    Args:
        folder: The model's.
        but: Names of files to leave out.
    """
    found: dict[str, str] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if (
            file.suffix in _NO_MATTER
            or file.name in _NO_MATTER
            or any(part.startswith(".") for part in name.split("/"))
            or name in but
        ):
            continue
        found[name] = file_hash(file)
    return found


def file_hash(path: Path) -> str:
    """Content hash of a file (hex), kept while its times and size stay."""
    return _of_file(str(path), file_state(path))


@lru_cache(maxsize=4096)
def _of_file(path: str, state: str) -> str:
    """Content hash of a file; its times and size make a changed file a new question."""
    digest = xxhash.xxh3_128()
    with Path(path).open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _of_hub(name: str) -> str:
    from huggingface_hub import HfApi, try_to_load_from_cache

    from distillir.encoding.loading import one_line_errors

    for repository in (name,) if "/" in name else (f"sentence-transformers/{name}", name):
        found = try_to_load_from_cache(repository, "config.json")
        if isinstance(found, str):  # .../snapshots/<commit>/config.json
            return xxhash.xxh3_128_hexdigest(f"{repository}@{Path(found).parent.name}".encode())
    with one_line_errors(name):
        commit = HfApi().model_info(name if "/" in name else f"sentence-transformers/{name}").sha
    return xxhash.xxh3_128_hexdigest(f"{name}@{commit}".encode())


def _of_module(model: Any) -> str:
    import torch

    digest = xxhash.xxh3_128()
    for name, tensor in model.state_dict().items():
        values = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8) if tensor.numel() else tensor
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(values.numpy().tobytes())
    settings = [repr(model), *(getattr(model, n, None) for n in ("prompts", "default_prompt_name", "max_seq_length"))]
    digest.update(repr(settings).encode())
    return digest.hexdigest()
