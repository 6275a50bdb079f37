"""Texts to token vectors, for late interaction: encoded once, kept on disk in blocks, in shards by process."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from distillir.allocator import keep_freed_memory
from distillir.collections.joined import JoinedTable
from distillir.collections.table import Rows, TextTable
from distillir.encoding.batches import default_batch_tokens, token_batches
from distillir.encoding.fingerprint import model_fingerprint
from distillir.encoding.models import load_multi_vector, pick_device
from distillir.encoding.precision import autocast, resolve_precision
from distillir.encoding.store import Vectors
from distillir.encoding.vectors import Kind, prompt_for
from distillir.errors import DistillirError
from distillir.files import atomic_directory, cache_root
from distillir.parallel import barrier, rank, world_size
from distillir.progress import progress

# A kill loses at most this many texts' vectors.
ROWS_PER_BLOCK = 1024
OPEN_BLOCKS = 128


class TokenVectors:
    """Token vectors of the rows of a table, in blocks of `ROWS_PER_BLOCK` rows, memory-mapped.

    Args:
        folder: Where `encode_tokens` wrote them.
        rows: Rows of the table.
    """

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows = folder, rows
        # A block that is mapped holds a file open: a large corpus has more blocks than a process may open.
        self._kept = lru_cache(maxsize=OPEN_BLOCKS)(self.block)

    def block(self, number: int) -> list[Vectors]:
        """Token vectors [tokens that count, D], float32, of the rows of a block, in order."""
        place = self.folder / str(number)
        ends = np.load(place / "ends.npy")
        vectors = np.load(place / "vectors.npy", mmap_mode="r")
        return np.split(vectors, ends[:-1]) if len(ends) else []

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return -(-self.rows // ROWS_PER_BLOCK)

    def __iter__(self) -> Iterator[tuple[int, list[Vectors]]]:
        """Each block's first row and its token vectors."""
        for number in range(self.blocks):
            yield number * ROWS_PER_BLOCK, self.block(number)

    def of(self, rows: Rows) -> list[Vectors]:
        """Token vectors of some rows, in the order given."""
        return [self._kept(row // ROWS_PER_BLOCK)[row % ROWS_PER_BLOCK] for row in rows.tolist()]


class JoinedTokenVectors(TokenVectors):
    """Token vectors of a joined table, each part from a store of its own."""

    def __init__(self, first: TokenVectors, second: TokenVectors) -> None:
        super().__init__(first.folder, first.rows + second.rows)
        self.first, self.second = first, second

    def block(self, number: int) -> list[Vectors]:
        """Blocks of the two stores do not line up: read by `of`."""
        rows = np.arange(number * ROWS_PER_BLOCK, min((number + 1) * ROWS_PER_BLOCK, self.rows))
        return self.of(rows)

    def of(self, rows: Rows) -> list[Vectors]:
        """Token vectors of some rows, in the order given."""
        late = rows >= self.first.rows
        early, further = iter(self.first.of(rows[~late])), iter(self.second.of(rows[late] - self.first.rows))
        return [next(further if behind else early) for behind in late.tolist()]


def encode_tokens(
    model: str,
    table: TextTable,
    rows: Rows | None = None,
    *,
    kind: Kind,
    max_length: int | None = None,
    batch_tokens: int | None = None,
    precision: str = "auto",
    cache: Path | None = None,
) -> TokenVectors:
    """Token vectors of a table's rows, as the model's own ``encode_query`` or ``encode_document`` gives them.

    Args:
        model: A folder or name of a multi-vector model; it is loaded only if a block is missing.
        table: Corpus or queries.
        rows: Those that are wanted (their blocks are encoded whole); None: all.
        kind: Which of the model's prompts and masks the texts take.
        max_length: Tokens per text at most (default: the model's own).
        batch_tokens: Padded tokens per batch (default: by device).
        precision: Of the encoder; ``auto`` takes bf16 where the device computes it in hardware.
        cache: Folder of token vectors (default: ``token-vectors`` of the cache).

    Raises:
        DistillirError: The model cannot be loaded, or gives a vector that is not finite.
    """
    options: dict[str, Any] = {"kind": kind, "max_length": max_length, "batch_tokens": batch_tokens}
    options |= {"precision": precision, "cache": cache}
    if isinstance(table, JoinedTable):
        wanted_rows = np.arange(len(table)) if rows is None else rows
        late = wanted_rows >= len(table.first)
        return JoinedTokenVectors(
            encode_tokens(model, table.first, wanted_rows[~late], **options),
            encode_tokens(model, table.second, wanted_rows[late] - len(table.first), **options),
        )
    resolved = resolve_precision(precision, pick_device())
    identity = [model_fingerprint(model), table.fingerprint, kind, str(max_length), resolved]
    folder = (cache or cache_root() / "token-vectors") / xxhash.xxh3_128_hexdigest("\0".join(identity).encode())
    store = TokenVectors(folder, len(table))
    wanted = range(store.blocks) if rows is None else np.unique(rows // ROWS_PER_BLOCK).tolist()
    missing = [number for number in wanted if not (folder / str(number)).is_dir()]
    if missing:
        loaded = load_multi_vector(model, max_length=max_length)
        mine = missing[rank() :: world_size()]
        label = {"query": "Encode queries", "document": "Encode documents"}[kind]
        with progress(label, sum(min(ROWS_PER_BLOCK, len(table) - n * ROWS_PER_BLOCK) for n in mine)) as advance:
            for number in mine:
                block_rows = range(number * ROWS_PER_BLOCK, min((number + 1) * ROWS_PER_BLOCK, len(table)))
                vectors = _encode(loaded, table.texts(block_rows), kind, batch_tokens, resolved)
                for row, found in zip(block_rows, vectors, strict=True):
                    if not np.isfinite(found).all():
                        raise DistillirError(
                            f"a token vector of {kind} {table.id(row)!r} is not finite",
                            where=model,
                            remedy="check the model, or use precision float32",
                        )
                with atomic_directory(folder / str(number)) as block:
                    np.save(block / "ends.npy", np.cumsum([len(found) for found in vectors]))
                    np.save(block / "vectors.npy", np.concatenate(vectors))
                advance(len(block_rows))
    barrier()
    return store


def _encode(model: Any, texts: list[str], kind: Kind, batch_tokens: int | None, precision: Any) -> list[Vectors]:
    import torch
    from sentence_transformers.util import batch_to_device

    device = model.device
    budget = batch_tokens or default_batch_tokens(device)
    found: dict[int, Vectors] = {}
    model.eval()
    keep_freed_memory(device)
    with torch.inference_mode(), autocast(precision, device):
        for places, batch in token_batches(
            model, texts, batch_tokens=budget, prompt=prompt_for(model, kind), task=kind
        ):
            features = model(batch_to_device(batch, device), task=kind)
            for place, vectors, counts in zip(
                places.tolist(), features["token_embeddings"], features["attention_mask"].bool(), strict=True
            ):
                found[place] = vectors[counts].float().cpu().numpy()
    return [found[place] for place in range(len(texts))]
