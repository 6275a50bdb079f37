"""Texts to rows of varying length (token vectors, sparse vectors): encoded once, kept on disk in blocks of rows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.allocator import keep_freed_memory
from distillir.collections.table import Rows, TextTable
from distillir.encoding.batches import token_batches
from distillir.encoding.fingerprint import model_fingerprint
from distillir.encoding.models import pick_device
from distillir.encoding.precision import Precision, autocast, resolve_precision
from distillir.encoding.vectors import Kind, prompt_for
from distillir.errors import DistillirError
from distillir.files import atomic_directory, cache_root
from distillir.parallel import barrier, rank, world_size
from distillir.progress import progress

# A kill loses at most this many texts.
ROWS_PER_BLOCK = 1024

#: What a block holds: ``ends`` [rows], where each row's part of the other arrays ends, and those arrays.
Block = dict[str, npt.NDArray[Any]]


def encode_blocks(
    model: str,
    table: TextTable,
    rows: Rows | None,
    *,
    kind: Kind,
    load: Callable[[str, int | None], Any],
    encode: Callable[[Any, list[str], Kind, Precision], Block],
    store: str,
    max_length: int | None = None,
    precision: str = "auto",
    cache: Path | None = None,
) -> Path:
    """Encode the blocks of a table that hold some rows and are not there yet, each process its share.

    Args:
        model: A folder or name; it is loaded only if a block is missing.
        table: Corpus or queries.
        rows: Those that are wanted (their blocks are encoded whole); None: all.
        kind: Which of the model's prompts and routes the texts take.
        load: Makes a model of its name and ``max_length``.
        encode: Makes a block of a model, texts, ``kind`` and precision.
        store: Name of the folder in the cache.
        max_length: Tokens per text at most (default: the model's own).
        precision: Of the encoder; ``auto`` takes bf16 where the device computes it in hardware.
        cache: Folder in place of ``store``.

    Returns:
        The folder that holds a folder ``<number>`` for each block, with one ``.npy`` file an array.

    Raises:
        DistillirError: The model cannot be loaded, or gives a value that is not finite.
    """
    resolved = resolve_precision(precision, pick_device())
    identity = [model_fingerprint(model), table.fingerprint, kind, str(max_length), resolved]
    folder = (cache or cache_root() / store) / xxhash.xxh3_128_hexdigest("\0".join(identity).encode())
    wanted = range(block_count(len(table))) if rows is None else np.unique(rows // ROWS_PER_BLOCK).tolist()
    missing = [number for number in wanted if not (folder / str(number)).is_dir()]
    if missing:
        loaded = load(model, max_length)
        mine = missing[rank() :: world_size()]
        label = {"query": "Encode queries", "document": "Encode documents"}[kind]
        with progress(label, sum(len(block_rows(number, len(table))) for number in mine)) as advance:
            for number in mine:
                own = block_rows(number, len(table))
                block = encode(loaded, table.texts(own), kind, resolved)
                _check_finite(block, model, kind, table, own)
                with atomic_directory(folder / str(number)) as made:
                    for name, array in block.items():
                        np.save(made / f"{name}.npy", array)
                advance(len(own))
    barrier()
    return folder


def block_count(rows: int) -> int:
    """Blocks of a table of so many rows."""
    return -(-rows // ROWS_PER_BLOCK)


def block_rows(number: int, rows: int) -> range:
    """The rows of a block of a table of ``rows`` rows."""
    return range(number * ROWS_PER_BLOCK, min((number + 1) * ROWS_PER_BLOCK, rows))


def outputs(
    model: Any, texts: list[str], kind: Kind, precision: Precision, batch_tokens: int
) -> Iterator[tuple[Rows, dict[str, Any]]]:
    """Positions in ``texts`` and what the model makes of those texts, in batches of similar length."""
    import torch
    from sentence_transformers.util import batch_to_device

    device = model.device
    model.eval()
    keep_freed_memory(device)
    batches = token_batches(model, texts, batch_tokens=batch_tokens, prompt=prompt_for(model, kind), task=kind)
    for places, batch in batches:
        with torch.inference_mode(), autocast(precision, device):
            found = model(batch_to_device(batch, device), task=kind)
        yield places, found


def _check_finite(block: Block, model: str, kind: Kind, table: TextTable, rows: range) -> None:
    for values in block.values():
        if not len(values) or values.dtype.kind != "f":
            continue
        wrong = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
        if len(wrong):
            row = rows[int(np.searchsorted(block["ends"], wrong[0], side="right"))]
            raise DistillirError(
                f"a vector of {kind} {table.id(row)!r} is not finite",
                where=model,
                remedy="check the model, or use precision float32",
            )
