"""Texts to token vectors, for late interaction."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.collections.joined import JoinedTable
from distillir.collections.table import TextTable
from distillir.encoding.batches import default_batch_tokens
from distillir.encoding.encoded_rows import EncodedRows, JoinedRows
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.encoding.models import load_multi_vector
from distillir.encoding.narrow import Stored
from distillir.encoding.narrow_segments import wide_vectors
from distillir.encoding.precision import Precision
from distillir.encoding.segments import ROWS_PER_SEGMENT, Arrays, Segments, encode_segments, load_array, outputs
from distillir.encoding.store import Vectors
from distillir.encoding.vectors import Kind


class TokenVectors(EncodedRows[Vectors]):
    """Token vectors [tokens that count, D] of rows of a table, float32, memory-mapped; narrow ones are widened.

    Args:
        segments: Where `encode_tokens` wrote them.

    Attributes:
        folder: The same folder for the same model, texts and settings.
        rows: Rows of the table.
    """

    def __init__(self, segments: Segments) -> None:
        super().__init__(segments)
        self.folder = segments.folder

    def _open(self, number: int) -> list[tuple[npt.NDArray[Any], Vectors | None]]:
        path = self._segments.paths[number]
        cuts = load_array(path / "ends.npy")[:-1]
        vectors = np.split(load_array(path / "vectors.npy", mapped=True), cuts)
        if not (path / "scales.npy").is_file():
            return [(own, None) for own in vectors]
        return list(zip(vectors, np.split(load_array(path / "scales.npy"), cuts), strict=True))

    def _row(self, mapped: list[tuple[npt.NDArray[Any], Vectors | None]], place: int) -> Vectors:
        return wide_vectors(*mapped[place])

    @property
    def blocks(self) -> int:
        """Number of blocks that an iteration yields."""
        return -(-self.rows // ROWS_PER_SEGMENT)

    def __iter__(self) -> Iterator[tuple[int, list[Vectors]]]:
        """Blocks of all rows, in order: each one's first row, and its token vectors."""
        for start in range(0, self.rows, ROWS_PER_SEGMENT):
            yield start, self.of(np.arange(start, min(start + ROWS_PER_SEGMENT, self.rows)))


class JoinedTokenVectors(JoinedRows[Vectors], TokenVectors):
    """Token vectors of a joined table, each part from a store of its own."""

    def __init__(self, first: TokenVectors, second: TokenVectors) -> None:
        super().__init__(first, second)
        self.folder = first.folder


def encode_tokens(
    model: str,
    table: TextTable,
    rows: Rows | None = None,
    *,
    kind: Kind,
    max_length: int | None = None,
    precision: str = "auto",
    cache: Path | None = None,
    options: ModelOptions = PLAIN,
    stored: Stored = "float32",
) -> TokenVectors:
    """Token vectors of a table's rows, as the model's own ``encode_query`` or ``encode_document`` gives them.

    Args:
        model: A folder or name of a multi-vector model; it is loaded only if a row is missing.
        table: Corpus or queries.
        rows: Those that are wanted; None: all.
        kind: Which of the model's prompts and masks the texts take.
        max_length: Tokens per text at most (default: the model's own).
        precision: Of the encoder; ``auto`` takes bf16 where the device computes it in hardware.
        cache: Folder of token vectors (default: ``token-vectors`` of the cache).
        options: How the model is loaded.
        stored: Form of the numbers on disk: ``float32``, ``float16`` or ``int8`` (a scale a token vector).

    Raises:
        DistillirError: The model cannot be loaded, or gives a vector that is not finite.
    """
    wanted = np.arange(len(table)) if rows is None else rows
    more: dict[str, Any] = {"kind": kind, "max_length": max_length, "precision": precision, "cache": cache}
    more |= {"options": options, "stored": stored}
    if isinstance(table, JoinedTable):
        late = wanted >= len(table.first)
        return JoinedTokenVectors(
            encode_tokens(model, table.first, wanted[~late], **more),
            encode_tokens(model, table.second, wanted[late] - len(table.first), **more),
        )
    segments = encode_segments(
        model,
        table,
        wanted,
        load=load_multi_vector,
        encode=token_arrays,
        store="token-vectors",
        **more,
    )
    return TokenVectors(segments)


def token_arrays(model: Any, texts: list[str], kind: Kind, precision: Precision) -> Arrays:
    """Encode texts, without a cache: the arrays of a segment (`distillir.encoding.segments.Arrays`)."""
    found: dict[int, Vectors] = {}
    for places, features in outputs(model, texts, kind, precision, default_batch_tokens(model.device)):
        masks = features["attention_mask"].bool()
        for place, vectors, counts in zip(places.tolist(), features["token_embeddings"], masks, strict=True):
            found[place] = vectors[counts].float().cpu().numpy()
    ordered = [found[place] for place in range(len(texts))]
    return {"ends": np.cumsum([len(vectors) for vectors in ordered]), "vectors": np.concatenate(ordered)}
