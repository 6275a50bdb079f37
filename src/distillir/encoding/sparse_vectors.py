"""Texts to sparse vectors over a vocabulary (SPLADE)."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from distillir.base.arrays import Rows
from distillir.collections.joined import JoinedTable
from distillir.collections.table import TextTable
from distillir.encoding.active_words import active_words_only
from distillir.encoding.batches import default_batch_tokens
from distillir.encoding.encoded_rows import EncodedRows, JoinedRows
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.encoding.models import load_sparse
from distillir.encoding.narrow import Stored
from distillir.encoding.narrow_segments import wide_words
from distillir.encoding.precision import Precision
from distillir.encoding.segments import Arrays, Segments, encode_segments, load_array, outputs
from distillir.encoding.store import Vectors
from distillir.encoding.vectors import Kind


def encode_sparse(
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
) -> csr_matrix:
    """Sparse vectors of rows of a table, as the model's own ``encode_query`` or ``encode_document`` gives them.

    Args:
        model: A folder or name of a sparse model; it is loaded only if a row is missing.
        table: Corpus or queries.
        rows: Those that are wanted, in any order; None: all.
        kind: Which of the model's prompts and routes the texts take.
        max_length: Tokens per text at most (default: the model's own).
        precision: Of the encoder; ``auto`` takes bf16 where the device computes it in hardware.
        cache: Folder of sparse vectors (default: ``sparse-vectors`` of the cache).
        options: How the model is loaded.
        stored: Form of the weights on disk: ``float32`` or ``float16``.

    Returns:
        [rows, vocabulary] float32 in memory, 8 bytes a number that is not zero.

    Raises:
        DistillirError: The model cannot be loaded, or gives a number that is not finite.
    """
    wanted = np.arange(len(table)) if rows is None else rows
    if not len(wanted):
        return csr_matrix((0, 0), dtype=np.float32)
    more: dict[str, Any] = {"kind": kind, "max_length": max_length, "precision": precision, "cache": cache}
    more |= {"options": options, "stored": stored}
    if isinstance(table, JoinedTable):
        late = wanted >= len(table.first)
        parts = [
            encode_sparse(model, part, part_rows, **more)
            for part, part_rows in ((table.first, wanted[~late]), (table.second, wanted[late] - len(table.first)))
            if len(part_rows)
        ]
        order = np.concatenate([np.flatnonzero(~late), np.flatnonzero(late)])
        return vstack(parts, format="csr")[np.argsort(order)]
    segments = _encoded(model, table, wanted, **more)
    used = np.unique(segments.segment[wanted])
    matrix = vstack([_read(segments.paths[number]) for number in used.tolist()], format="csr")
    starts = np.concatenate([[0], np.cumsum(segments.sizes[used])])[:-1]
    return matrix[starts[np.searchsorted(used, segments.segment[wanted])] + segments.place[wanted]]


def _encoded(model: str, table: TextTable, rows: Rows, **more: Any) -> Segments:
    return encode_segments(model, table, rows, load=load_sparse, encode=sparse_arrays, store="sparse-vectors", **more)


#: The words of a row [words that are not 0] and their weights.
Weighed = tuple[npt.NDArray[np.int32], Vectors]


class WordWeights(EncodedRows[Weighed]):
    """Sparse vectors of all rows of a table, memory-mapped, as words and weights.

    Args:
        segments: Where `encode_sparse` and `encode_words` wrote them.

    Attributes:
        rows: Rows of the table.
    """

    def _open(self, number: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[Any]]:
        path = self._segments.paths[number]
        words, values = (load_array(path / f"{name}.npy", mapped=True) for name in ("words", "values"))
        return np.concatenate([[0], load_array(path / "ends.npy")]), words, values

    def _row(self, mapped: tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[Any]], place: int) -> Weighed:
        ends, words, values = mapped
        return wide_words(words[ends[place] : ends[place + 1]], values[ends[place] : ends[place + 1]])


class JoinedWordWeights(JoinedRows[Weighed], WordWeights):
    """Sparse vectors of a joined table, each part from a store of its own."""


def encode_words(model: str, table: TextTable, **more: Any) -> WordWeights:
    """Sparse vectors of all rows of a table by row; arguments and errors as `encode_sparse`, whose store this is."""
    if isinstance(table, JoinedTable):
        return JoinedWordWeights(encode_words(model, table.first, **more), encode_words(model, table.second, **more))
    return WordWeights(_encoded(model, table, np.arange(len(table)), **more))


def _read(segment: Path) -> csr_matrix:
    ends, words, values, width = (load_array(segment / f"{name}.npy") for name in ("ends", "words", "values", "width"))
    words, values = wide_words(words, values)
    return csr_matrix((values, words, np.concatenate([[0], ends])), shape=(len(ends), int(width[0])))


def sparse_arrays(model: Any, texts: list[str], kind: Kind, precision: Precision) -> Arrays:
    """Encode texts, without a cache: the arrays of a segment (`distillir.encoding.segments.Arrays`)."""
    import torch
    from sentence_transformers.util import select_max_active_dims

    found: dict[int, tuple[Any, Any]] = {}
    width = 0
    budget = default_batch_tokens(model.device)
    with active_words_only(model):
        for places, features in outputs(model, texts, kind, precision, budget):
            vectors = features["sentence_embedding"].float()
            if model.max_active_dims is not None:
                with torch.inference_mode():
                    vectors = select_max_active_dims(vectors, max_active_dims=model.max_active_dims)
            for place, vector in zip(places.tolist(), vectors.cpu().numpy(), strict=True):
                words = np.flatnonzero(vector)
                found[place], width = (words.astype(np.int32), vector[words]), len(vector)
    ordered = [found[place] for place in range(len(texts))]
    return {
        "ends": np.cumsum([len(words) for words, _ in ordered]),
        "words": np.concatenate([words for words, _ in ordered]),
        "values": np.concatenate([values for _, values in ordered]),
        "width": np.array([width]),
    }
