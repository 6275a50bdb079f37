"""Models that encode queries and documents apart, by kind: how one is loaded, what it makes of texts, what is kept.

No weights are loaded before something is encoded.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.collections.table import TextTable
from distillir.encoding.models import load_multi_vector, load_sentence_transformer, load_sparse
from distillir.encoding.precision import Precision
from distillir.encoding.segments import Segments, segments_folder
from distillir.encoding.sparse_vectors import encode_sparse, sparse_arrays
from distillir.encoding.store import VectorStore
from distillir.encoding.token_vectors import encode_tokens, token_arrays
from distillir.encoding.vectors import Kind, encode_rows, encode_texts, vectors_folder


class EncoderKind(ABC):
    """A kind of encoder. Options of `folder` are those of `distillir.encoding.vectors.vectors_folder`."""

    @abstractmethod
    def load(self, name: str, **options: Any) -> Any:
        """Load a model, as `distillir.encoding.models.load_sentence_transformer` does."""

    @abstractmethod
    def encode(self, model: Any, texts: list[str], side: Kind, precision: Precision) -> Any:
        """Encode texts by a loaded model, without a cache."""

    @abstractmethod
    def folder(self, name: str, table: TextTable, side: Kind, *settings: Any, **options: Any) -> Path:
        """The folder in which the cache keeps a table's encodings."""

    @abstractmethod
    def missing(self, folder: Path, table: TextTable, rows: Rows) -> Rows:
        """Those of a table's rows that a folder of the cache does not hold, each once, ascending."""

    @abstractmethod
    def size(self, name: str, corpus: TextTable, queries: TextTable, rows: Rows, **options: Any) -> dict[str, Any]:
        """Sizes of the encodings of a corpus and of some queries; those that the cache lacks are encoded.

        Args:
            name: The model.
            corpus: All of it is looked at.
            queries: The table of the queries.
            rows: Those that are looked at, at least one.
            options: Those of `distillir.encoding.vectors.encode_rows`.

        Returns:
            ``unit``, what a text is encoded as (``numbers``, ``vectors`` or ``words``); ``per_document`` and
            ``per_query``, how many of them in the mean, to two digits; ``bytes_per_document``, uncompressed.
        """


class _Dense(EncoderKind):
    def load(self, name: str, **options: Any) -> Any:
        return load_sentence_transformer(name, **options)

    def encode(self, model: Any, texts: list[str], side: Kind, precision: Precision) -> Any:
        return encode_texts(model, texts, kind=side, precision=precision)

    def folder(self, name: str, table: TextTable, side: Kind, *settings: Any, **options: Any) -> Path:
        return vectors_folder(name, table, side, *settings, **options)

    def missing(self, folder: Path, table: TextTable, rows: Rows) -> Rows:
        return VectorStore(folder, len(table)).missing(rows) if VectorStore.exists(folder) else rows

    def size(self, name: str, corpus: TextTable, queries: TextTable, rows: Rows, **options: Any) -> dict[str, Any]:
        width = encode_rows(name, queries, rows[:1], kind="query", **options).shape[1]
        return encoded_size("numbers", width, width, 4)


class _MultiVector(EncoderKind):
    store = "token-vectors"

    def load(self, name: str, **options: Any) -> Any:
        return load_multi_vector(name, **options)

    def encode(self, model: Any, texts: list[str], side: Kind, precision: Precision) -> Any:
        return token_arrays(model, texts, side, precision)

    def folder(self, name: str, table: TextTable, side: Kind, *settings: Any, **options: Any) -> Path:
        return segments_folder(self.store, name, table, side, *settings, **options)

    def missing(self, folder: Path, table: TextTable, rows: Rows) -> Rows:
        return Segments(folder, len(table)).missing(rows)

    def size(self, name: str, corpus: TextTable, queries: TextTable, rows: Rows, **options: Any) -> dict[str, Any]:
        documents = encode_tokens(name, corpus, kind="document", **options)
        asked = encode_tokens(name, queries, rows, kind="query", **options).of(rows)
        per_document, each = documents.count / max(len(corpus), 1), 4 * asked[0].shape[1]
        return encoded_size("vectors", per_document, float(np.mean([len(found) for found in asked])), each)


class _Sparse(_MultiVector):
    store = "sparse-vectors"

    def load(self, name: str, **options: Any) -> Any:
        return load_sparse(name, **options)

    def encode(self, model: Any, texts: list[str], side: Kind, precision: Precision) -> Any:
        return sparse_arrays(model, texts, side, precision)

    def size(self, name: str, corpus: TextTable, queries: TextTable, rows: Rows, **options: Any) -> dict[str, Any]:
        per_document = encode_sparse(name, corpus, kind="document", **options).nnz / max(len(corpus), 1)
        per_query = encode_sparse(name, queries, rows, kind="query", **options).nnz / len(rows)
        return encoded_size("words", per_document, per_query, 8)  # a word and its weight


def encoded_size(unit: str, per_document: float, per_query: float, each: int) -> dict[str, Any]:
    """The figures of `EncoderKind.size`; ``each`` is the bytes of a unit."""
    return {
        "unit": unit,
        "per_document": round(float(per_document), 2),
        "per_query": round(float(per_query), 2),
        "bytes_per_document": round(per_document * each),
    }


ENCODERS: dict[str, EncoderKind] = {"dense": _Dense(), "multi-vector": _MultiVector(), "sparse": _Sparse()}
