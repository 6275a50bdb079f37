"""Models that encode queries and documents apart, by kind: how one is loaded, what it makes of texts, what is kept."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from distillir.collections.table import Rows, TextTable
from distillir.encoding.models import load_multi_vector, load_sentence_transformer, load_sparse
from distillir.encoding.precision import Precision
from distillir.encoding.segments import Segments, segments_folder
from distillir.encoding.sparse_vectors import sparse_arrays
from distillir.encoding.store import VectorStore
from distillir.encoding.token_vectors import token_arrays
from distillir.encoding.vectors import Kind, encode_texts, vectors_folder


class EncoderKind(ABC):
    """A kind of encoder. Options of `folder` are those of `distillir.encoding.vectors.vectors_folder`."""

    @abstractmethod
    def load(self, name: str, **options: Any) -> Any:
        """Load a model, as `distillir.encoding.models.load_sentence_transformer` does."""

    @abstractmethod
    def encode(self, model: Any, texts: list[str], side: Kind, precision: Precision) -> Any:
        """What a loaded model makes of texts, without a cache."""

    @abstractmethod
    def folder(self, name: str, table: TextTable, side: Kind, *settings: Any, **options: Any) -> Path:
        """Where the cache keeps a table's encodings."""

    @abstractmethod
    def missing(self, folder: Path, table: TextTable, rows: Rows) -> Rows:
        """Those of a table's rows that a folder of the cache does not hold, each once, ascending."""


class _Dense(EncoderKind):
    def load(self, name: str, **options: Any) -> Any:
        return load_sentence_transformer(name, **options)

    def encode(self, model: Any, texts: list[str], side: Kind, precision: Precision) -> Any:
        return encode_texts(model, texts, kind=side, precision=precision)

    def folder(self, name: str, table: TextTable, side: Kind, *settings: Any, **options: Any) -> Path:
        return vectors_folder(name, table, side, *settings, **options)

    def missing(self, folder: Path, table: TextTable, rows: Rows) -> Rows:
        return VectorStore(folder, len(table)).missing(rows) if VectorStore.exists(folder) else rows


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


class _Sparse(_MultiVector):
    store = "sparse-vectors"

    def load(self, name: str, **options: Any) -> Any:
        return load_sparse(name, **options)

    def encode(self, model: Any, texts: list[str], side: Kind, precision: Precision) -> Any:
        return sparse_arrays(model, texts, side, precision)


ENCODERS: dict[str, EncoderKind] = {"dense": _Dense(), "multi-vector": _MultiVector(), "sparse": _Sparse()}
