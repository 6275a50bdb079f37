"""Texts to vectors: encoded once, kept on disk, in shards by process."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xxhash

from distillir.base.allocator import keep_freed_memory
from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.fan_out import Workers, named_workers
from distillir.base.files import cache_root
from distillir.base.processes import barrier, rank, world_size
from distillir.base.progress import progress
from distillir.collections.joined import JoinedTable
from distillir.collections.table import TextTable
from distillir.encoding.batches import default_batch_tokens, token_batches
from distillir.encoding.device import pick_device
from distillir.encoding.identity import model_identity
from distillir.encoding.model_options import PLAIN, ModelOptions, chosen_prompt
from distillir.encoding.models import load_sentence_transformer
from distillir.encoding.narrow import Stored
from distillir.encoding.narrow_copies import narrow_known
from distillir.encoding.positions import set_max_length
from distillir.encoding.precision import Precision, autocast, resolve_precision
from distillir.encoding.routes import check_route
from distillir.encoding.store import Vectors, VectorStore

Kind = Literal["query", "document"]
#: What progress says of a side.
LABEL = {"query": "Encode queries", "document": "Encode documents"}
# A kill loses at most this many texts' vectors.
ROWS_PER_BLOCK = 2048


def encode_table(
    model: Any,
    table: TextTable,
    *,
    kind: Kind,
    max_length: int | None = None,
    batch_tokens: int | None = None,
    precision: str = "auto",
    cache: Path | None = None,
    options: ModelOptions = PLAIN,
) -> Vectors:
    """Vectors of all rows of a table.

    Args:
        model: A folder, alias or hub name (it is loaded only if a vector is missing), or a loaded SentenceTransformer.
        table: Corpus or queries.
        kind: Which of the model's prompts and routes the texts take, as in ``encode_query`` and ``encode_document``.
        max_length: Tokens per text at most (default: the model's own).
        batch_tokens: Padded tokens per batch (default: by device).
        precision: ``auto`` takes bf16 where the device computes it in hardware.
        cache: Folder of vectors (default: ``vectors`` of the cache); processes on several machines must share it.
        options: How a model that is named is loaded.

    Returns:
        [rows, dim] float32, memory-mapped.

    Raises:
        DistillirError: The model cannot be loaded, gives a vector that is not finite, or the disk is full.
    """
    rows = np.arange(len(table), dtype=np.int64)
    return encode_into_store(
        model,
        table,
        rows,
        kind=kind,
        max_length=max_length,
        batch_tokens=batch_tokens,
        precision=precision,
        cache=cache,
        options=options,
    ).array


def encode_rows(
    model: Any,
    table: TextTable,
    rows: Rows | Sequence[int],
    *,
    kind: Kind,
    max_length: int | None = None,
    batch_tokens: int | None = None,
    precision: str = "auto",
    cache: Path | None = None,
    options: ModelOptions = PLAIN,
) -> Vectors:
    """Vectors [len(rows), dim] of some rows of a table, in the order given, in memory; arguments as `encode_table`."""
    wanted = np.asarray(rows, dtype=np.int64)
    more: dict[str, Any] = {"kind": kind, "max_length": max_length, "batch_tokens": batch_tokens}
    more |= {"precision": precision, "cache": cache, "options": options}
    if isinstance(table, JoinedTable):
        # Each part has a store of its own: what was encoded before stays so.
        late = wanted >= len(table.first)
        early = encode_rows(model, table.first, wanted[~late], **more)
        vectors = np.empty((len(wanted), early.shape[1]), dtype=np.float32)
        vectors[~late] = early
        if late.any():
            vectors[late] = encode_rows(model, table.second, wanted[late] - len(table.first), **more)
        return vectors
    store = encode_into_store(model, table, np.unique(wanted), **more)
    return np.asarray(store.array[wanted])


def encode_into_store(
    model: Any,
    table: TextTable,
    rows: Rows,
    *,
    kind: Kind,
    max_length: int | None = None,
    batch_tokens: int | None = None,
    precision: str = "auto",
    cache: Path | None = None,
    options: ModelOptions = PLAIN,
    stored: Stored = "float32",
) -> VectorStore:
    """The store of a table's vectors, in which at least ``rows`` (distinct) are there; arguments as `encode_table`.

    One of another form than float32 is a store of its own; what is there as float32 is narrowed, and not encoded again.
    """
    device = model.device if not _is_name(model) else pick_device()
    resolved = resolve_precision(precision, device)
    where: dict[str, Any] = {"cache": cache, "options": options}
    folder = vectors_folder(model, table, kind, max_length, resolved, stored=stored, **where)
    blocks = np.array_split(rows, max(world_size(), -(-len(rows) // ROWS_PER_BLOCK)))[rank() :: world_size()]
    store = VectorStore(folder, len(table), stored=stored) if VectorStore.exists(folder) else None
    if stored != "float32":
        plain = vectors_folder(model, table, kind, max_length, resolved, **where)
        store = narrow_known(store, folder, plain, len(table), blocks, stored)
    missing = [block if store is None else store.missing(block) for block in blocks]
    workers = named_workers() if _is_name(model) else None
    if workers is not None and any(len(block) for block in missing):
        load = partial(load_sentence_transformer, model, max_length=max_length, options=options)
        encode = partial(_encoded, kind=kind, max_length=max_length, batch_tokens=batch_tokens, precision=resolved)
        store = _encode_by_workers(workers, load, encode, table, missing, store, folder, kind, stored)
    elif store is None or any(len(block) for block in missing):
        loaded = model
        if _is_name(model):
            loaded = load_sentence_transformer(model, max_length=max_length, options=options)
        store = VectorStore(folder, len(table), _dimension(loaded), stored)
        _encode_blocks(loaded, table, missing, store, kind, max_length, batch_tokens, resolved)
    barrier()
    return store


def vectors_folder(
    model: Any,
    table: TextTable,
    kind: Kind,
    max_length: int | None,
    precision: Precision,
    *,
    cache: Path | None = None,
    options: ModelOptions = PLAIN,
    stored: Stored = "float32",
) -> Path:
    """Folder of the store of a table's vectors, made or not; arguments as `encode_into_store`."""
    identity = [model_identity(model, options, (kind,)), table.fingerprint, kind, str(max_length), precision]
    identity += [] if stored == "float32" else [stored]
    return (cache or cache_root() / "vectors") / xxhash.xxh3_128_hexdigest("\0".join(identity).encode())


def _encode_blocks(
    model: Any,
    table: TextTable,
    blocks: list[Rows],
    store: VectorStore,
    kind: Kind,
    max_length: int | None,
    batch_tokens: int | None,
    precision: Precision,
) -> None:
    with progress(LABEL[kind], sum(len(block) for block in blocks)) as advance:
        for block in blocks:
            if not len(block):
                continue
            vectors = encode_texts(
                model,
                table.texts(block),
                kind=kind,
                max_length=max_length,
                batch_tokens=batch_tokens,
                precision=precision,
                advance=advance,
            )
            _check_finite(vectors, getattr(model, "name", None), kind, table, block)
            store.write(block, vectors)


def _check_finite(vectors: Vectors, model: Any, kind: Kind, table: TextTable, rows: Rows) -> None:
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise DistillirError(
            f"the vector of {kind} {table.id(int(rows[wrong[0]]))!r} is not finite",
            where=model or "model",
            remedy="check the model, or use precision float32",
        )


def _encode_by_workers(
    workers: Workers,
    load: Callable[[], Any],
    encode: Callable[[Any, list[str]], Vectors],
    table: TextTable,
    blocks: list[Rows],
    store: VectorStore | None,
    folder: Path,
    kind: Kind,
    stored: Stored,
) -> VectorStore:
    """`_encode_blocks` by workers: each task is a block, so that batches are the same."""
    with progress(LABEL[kind], sum(len(block) for block in blocks)) as advance:
        tasks = ((block, table.texts(block)) for block in blocks if len(block))
        for block, vectors in workers.each(load, encode, tasks):
            _check_finite(vectors, None, kind, table, block)
            store = store or VectorStore(folder, len(table), vectors.shape[1], stored)
            store.write(block, vectors)
            advance(len(block))
    assert store is not None
    return store


def _encoded(model: Any, texts: list[str], **how: Any) -> Vectors:
    return encode_texts(model, texts, **how)


def encode_texts(
    model: Any,
    texts: Sequence[str],
    *,
    kind: Kind,
    max_length: int | None = None,
    batch_tokens: int | None = None,
    precision: str = "auto",
    advance: Callable[[int], None] | None = None,
) -> Vectors:
    """Vectors [len(texts), dim] float32 of texts, without a cache.

    Args:
        model: A loaded SentenceTransformer, or the name of one.
        texts: The texts.
        kind: As in `encode_table`, like the next three.
        max_length: Tokens per text at most.
        batch_tokens: Padded tokens per batch.
        precision: ``auto``, ``float32`` or ``bf16``.
        advance: Told the number of texts after each batch.
    """
    import torch
    from sentence_transformers.util import batch_to_device, truncate_embeddings

    if _is_name(model):
        model = load_sentence_transformer(model)
    check_route(model, kind)
    before = model.max_seq_length
    if max_length is not None:
        set_max_length(model, max_length, "the model")
    device, was_training = model.device, model.training
    resolved = resolve_precision(precision, device)
    budget = batch_tokens or default_batch_tokens(device)
    vectors = np.empty((len(texts), _dimension(model)), dtype=np.float32)
    model.eval()
    keep_freed_memory(device)
    try:
        with torch.inference_mode(), autocast(resolved, device):
            for places, batch in token_batches(
                model, texts, batch_tokens=budget, prompt=prompt_for(model, kind), task=kind
            ):
                # The task goes along, as in encode_query: a Router chooses its route by it.
                found = model(batch_to_device(batch, device), task=kind)["sentence_embedding"]
                if model.truncate_dim is not None:
                    found = truncate_embeddings(found, model.truncate_dim)
                vectors[places] = found.float().cpu().numpy()
                if advance is not None:
                    advance(len(places))
    finally:
        model.train(was_training)
        if max_length is not None:
            model.max_seq_length = before
    return vectors


def prompt_for(model: Any, kind: Kind) -> str | None:
    """The prompt that ``encode_query`` or ``encode_document`` would put before a text."""
    prompts: dict[str, str] = getattr(model, "prompts", None) or {}
    return chosen_prompt(prompts, getattr(model, "default_prompt_name", None), kind)


def _dimension(model: Any) -> int:
    found = model.get_embedding_dimension()
    if found is None:
        found = model.encode(["one text"], show_progress_bar=False).shape[1]
    return int(found)


def _is_name(model: Any) -> bool:
    return isinstance(model, str | os.PathLike)
