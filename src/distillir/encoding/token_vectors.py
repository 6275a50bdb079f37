"""Texts to token vectors, for late interaction."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from distillir.collections.joined import JoinedTable
from distillir.collections.table import Rows, TextTable
from distillir.encoding.batches import default_batch_tokens
from distillir.encoding.blocks import ROWS_PER_BLOCK, Block, block_count, block_rows, encode_blocks, outputs
from distillir.encoding.models import load_multi_vector
from distillir.encoding.precision import Precision
from distillir.encoding.store import Vectors
from distillir.encoding.vectors import Kind

OPEN_BLOCKS = 128


class TokenVectors:
    """Token vectors of the rows of a table, in blocks, memory-mapped.

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
        return block_count(self.rows)

    @property
    def vectors(self) -> int:
        """How many token vectors there are."""
        ends = (np.load(self.folder / str(number) / "ends.npy") for number in range(self.blocks))
        return sum(int(of_block[-1]) for of_block in ends)

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
        return self.of(np.array(block_rows(number, self.rows)))

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
        precision: Of the encoder; ``auto`` takes bf16 where the device computes it in hardware.
        cache: Folder of token vectors (default: ``token-vectors`` of the cache).

    Raises:
        DistillirError: The model cannot be loaded, or gives a vector that is not finite.
    """
    options: dict[str, Any] = {"kind": kind, "max_length": max_length, "precision": precision, "cache": cache}
    if isinstance(table, JoinedTable):
        wanted = np.arange(len(table)) if rows is None else rows
        late = wanted >= len(table.first)
        return JoinedTokenVectors(
            encode_tokens(model, table.first, wanted[~late], **options),
            encode_tokens(model, table.second, wanted[late] - len(table.first), **options),
        )
    folder = encode_blocks(
        model,
        table,
        rows,
        load=lambda name, length: load_multi_vector(name, max_length=length),
        encode=_encode,
        store="token-vectors",
        **options,
    )
    return TokenVectors(folder, len(table))


def _encode(model: Any, texts: list[str], kind: Kind, precision: Precision) -> Block:
    found: dict[int, Vectors] = {}
    for places, features in outputs(model, texts, kind, precision, default_batch_tokens(model.device)):
        masks = features["attention_mask"].bool()
        for place, vectors, counts in zip(places.tolist(), features["token_embeddings"], masks, strict=True):
            found[place] = vectors[counts].float().cpu().numpy()
    ordered = [found[place] for place in range(len(texts))]
    return {"ends": np.cumsum([len(vectors) for vectors in ordered]), "vectors": np.concatenate(ordered)}
