"""Texts tokenised once, kept in memory-mapped arrays, padded only when a batch is made."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import xxhash
from torch import Tensor

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory
from distillir.base.progress import progress
from distillir.collections.table import TextTable
from distillir.encoding.reading import within_reach
from distillir.encoding.vectors import Kind

TEXTS_PER_CALL = 1024
#: What progress says of a side.
LABEL = {"query": "Tokenise queries", "document": "Tokenise documents"}
EXPANDED, ATTENDED = "expanded.bin", "attended.bin"


class TokenStore:
    """Token ids of some rows of a table.

    Args:
        path: Folder made by `tokenise`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: Rows = np.load(path / "rows.npy", mmap_mode="r")
        self._offsets: Rows = np.load(path / "offsets.npy", mmap_mode="r")
        self._ids = (
            np.memmap(path / "ids.bin", dtype=np.int32, mode="r") if self._offsets[-1] else np.empty(0, np.int32)
        )
        # Queries that a multi-vector model fills up with masks: which tokens are such, and which are attended to.
        self._expanded, self._attended = (
            np.memmap(path / name, dtype=np.uint8, mode="r") if (path / name).is_file() else None
            for name in (EXPANDED, ATTENDED)
        )
        settings = json.loads((path / "settings.json").read_text())
        self.pad: int = settings["pad"]
        self.token_types: bool = settings["token_types"]
        self.constants: dict[str, Any] = settings["constants"]

    def __reduce__(self) -> tuple[type["TokenStore"], tuple[Path]]:
        # Pickled (worker processes) as its path: numpy would copy every token.
        return (TokenStore, (self.path,))

    def _places(self, rows: Rows) -> Rows:
        places = np.searchsorted(self.rows, rows)
        if np.any(places >= len(self.rows)) or np.any(self.rows[np.minimum(places, len(self.rows) - 1)] != rows):
            raise IndexError("a row that was not tokenised")
        return places

    def lengths(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Tokens of each row [len(rows)]."""
        places = self._places(rows)
        return np.asarray(self._offsets[places + 1] - self._offsets[places])

    def batch(self, rows: Rows) -> dict[str, Any]:
        """Features of the rows in the order given: ``input_ids``, ``attention_mask`` [T, L] right-padded, constants."""
        places = self._places(rows)
        starts, ends = self._offsets[places], self._offsets[places + 1]
        width = int((ends - starts).max()) if len(rows) else 0
        ids = np.full((len(rows), width), self.pad, dtype=np.int64)
        mask = np.zeros((len(rows), width), dtype=np.int64)
        expanded = np.zeros((len(rows), width), dtype=bool)
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            ids[i, : end - start] = self._ids[start:end]
            mask[i, : end - start] = 1 if self._attended is None else self._attended[start:end]
            if self._expanded is not None:
                expanded[i, : end - start] = self._expanded[start:end]
        features: dict[str, Any] = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        if self._expanded is not None:
            features["query_expansion_positions"] = torch.from_numpy(expanded)
        if self.token_types:
            features["token_type_ids"] = torch.zeros_like(features["input_ids"])
        return {**features, **self.constants}


def tokenise(path: Path, model: Any, table: TextTable, rows: Rows, *, kind: Kind) -> TokenStore:
    """Tokenise rows of a table as the model itself would (prompt, truncation, special tokens), once.

    Args:
        path: Folder to write (left as it is where it was already made for the same rows and settings).
        model: A SentenceTransformer.
        table: Corpus or queries.
        rows: Rows wanted, in any order, repeats allowed.
        kind: ``query`` or ``document``: which of the model's prompts is put before the text.

    Raises:
        DistillirError: The model's preprocessing gives something else than token ids and a mask.
    """
    rows = np.unique(np.asarray(rows, dtype=np.int64))
    from distillir.encoding.vectors import prompt_for

    prompt = prompt_for(model, kind) or None
    key = {
        "table": table.fingerprint,
        "rows": len(rows),
        "prompt": prompt,
        "max_length": model.max_seq_length,
        "tokenizer": _tokenizer_fingerprint(model.tokenizer),
        "expansion": getattr(model[0], "query_expansion", None) if kind == "query" else None,
    }
    if (path / "settings.json").is_file():
        settings = json.loads((path / "settings.json").read_text())
        if settings["key"] == key and np.array_equal(np.load(path / "rows.npy", mmap_mode="r"), rows):
            return TokenStore(path)
    with atomic_directory(path) as folder, progress(LABEL[kind], len(rows)) as advance:
        _write(folder, model, table, rows, kind, prompt, key, advance)
    return TokenStore(path)


def _tokenizer_fingerprint(tokenizer: Any) -> str:
    """Hash of a tokenizer's words and rules (hex): another one may lie under the same name tomorrow."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return xxhash.xxh3_128_hexdigest(json.dumps([str(tokenizer), tokenizer.get_vocab()], sort_keys=True).encode())
    rules = json.loads(backend.to_str())
    for name in ("truncation", "padding"):  # set anew by each call
        rules.pop(name, None)
    return xxhash.xxh3_128_hexdigest(json.dumps(rules).encode())


def _write(
    folder: Path,
    model: Any,
    table: TextTable,
    rows: Rows,
    kind: Kind,
    prompt: str | None,
    key: dict[str, Any],
    advance: Callable[[int], None],
) -> None:
    lengths: list[npt.NDArray[np.int64]] = [np.zeros(1, dtype=np.int64)]
    token_types, constants = False, {}
    with (folder / "ids.bin").open("wb") as stream, ExitStack() as more:
        flags: dict[str, Any] = {}
        for start in range(0, len(rows), TEXTS_PER_CALL):
            texts = table.texts(rows[start : start + TEXTS_PER_CALL])
            features = model.preprocess(within_reach(model, texts), prompt=prompt, task=kind)
            if "input_ids" not in features or "attention_mask" not in features:
                raise DistillirError(f"the student's preprocessing gives {sorted(features)} and no token ids")
            mask = features["attention_mask"].numpy().astype(bool)
            if "query_expansion_positions" in features:
                flags = flags or {n: more.enter_context((folder / n).open("wb")) for n in (EXPANDED, ATTENDED)}
                expanded = features["query_expansion_positions"].numpy().astype(bool)
                kept = mask | expanded
                flags[EXPANDED].write(expanded[kept].astype(np.uint8).tobytes())
                flags[ATTENDED].write(mask[kept].astype(np.uint8).tobytes())
                mask = kept
            stream.write(features["input_ids"].numpy().astype(np.int32)[mask].tobytes())
            lengths.append(mask.sum(axis=1).astype(np.int64))
            token_types = "token_type_ids" in features
            constants = {name: value for name, value in features.items() if not isinstance(value, Tensor)}
            advance(len(texts))
    np.save(folder / "rows.npy", rows)
    np.save(folder / "offsets.npy", np.cumsum(np.concatenate(lengths)))
    pad = getattr(model.tokenizer, "pad_token_id", None) or 0
    settings = {"key": key, "pad": int(pad), "token_types": token_types, "constants": constants}
    (folder / "settings.json").write_text(json.dumps(settings))
