"""Protocol of an engine: a table of documents with vectors, filled in batches, and asked by vectors and by words."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distillir.base.arrays import Rows
from distillir.specs.kind import OptionKind

#: Precisions in the order of their size.
PRECISIONS = ("float32", "float16", "int8", "binary")
#: Candidates of each side that a fusion by reciprocal ranks is made of, and its constant.
FUSED_DEPTH, FUSED_K = 50, 60


@dataclass(frozen=True)
class Layout:
    """The form of what an index holds.

    Attributes:
        encoding: ``dense`` (a vector [width] a document), ``sparse`` (weights of words of a vocabulary of ``width``) or
            ``multi-vector`` (vectors [tokens, width], compared by MaxSim).
        width: See above.
        similarity: ``cosine`` or ``dot``.
        precision: One of `PRECISIONS`: of the numbers that are searched.
        words: Whether documents are found by their words too.
        documents: How many there will be.
    """

    encoding: str
    width: int
    similarity: str
    precision: str
    words: bool
    documents: int


@dataclass(frozen=True)
class IndexPlace:
    """The place of an index.

    Attributes:
        folder: Where an embedded engine keeps its files; its parent is there.
        address: Of a server, without a password; None: the engine's own default.
        table: Name of the table or collection.
    """

    folder: Path
    address: str | None
    table: str


@dataclass(frozen=True)
class DocumentBatch:
    """Documents to be added.

    Attributes:
        numbers: Their rows in the collection [B], ascending.
        ids: Their ids.
        titles: Their titles, empty where there is none.
        texts: Their texts without titles.
        vectors: As `Layout.encoding` says: float32 [B, width], a scipy CSR matrix [B, width], or a list of float32
            [tokens, width].
    """

    numbers: Rows
    ids: Sequence[str]
    titles: Sequence[str]
    texts: Sequence[str]
    vectors: Any


class Engine(ABC):
    """A table of an engine, there or to be made; opened for one command, and closed at its end.

    Attributes:
        place: Where it is, for people; never a credential.
        version: Of the library or server.
    """

    place: str
    version: str

    @abstractmethod
    def lock(self) -> AbstractContextManager[None]:
        """Keep other commands from writing into the same table, as far as the engine can.

        Raises:
            DistillirError: Another command is writing into it.
        """

    @abstractmethod
    def record(self) -> dict[str, Any] | None:
        """The record that `create` was given; empty for a table that has none, None where there is no table."""

    @abstractmethod
    def create(self, record: Mapping[str, Any]) -> None:
        """Make the table, empty, and keep with it the record of what it will be made from."""

    @abstractmethod
    def drop(self) -> None:
        """Delete the table and its record."""

    @abstractmethod
    def numbers(self) -> Rows:
        """Rows of the documents that are in the table, in any order."""

    @abstractmethod
    def add(self, batch: DocumentBatch) -> None:
        """Add documents that are not there; all of them or, after a kill, none."""

    @abstractmethod
    def finish(self) -> str:
        """Make what searches need beside the table, where it is missing; says in a few words what there is."""

    @abstractmethod
    def search(self, vector: Any, depth: int) -> list[str]:
        """Ids of the nearest documents of a query's encoding, best first; titles and texts are fetched too.

        Args:
            vector: float32 [width], a CSR matrix [1, width], or float32 [tokens, width].
            depth: How many documents.
        """

    def hybrid(self, vector: Any, text: str, depth: int) -> list[str]:
        """Ids of the best documents by vector and by words, fused by reciprocal ranks.

        Args:
            vector: See `search`.
            text: The query, as it was typed.
            depth: How many documents.
        """
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Give back connections and files."""


@dataclass(frozen=True, kw_only=True)
class EngineKind(OptionKind):
    """A kind of engine.

    Attributes:
        open: ``(options, place, layout)``: the engine; a table is not made yet. Raises a `DistillirError` where its
            library is not installed, no server answers, or the layout is not one that it has.
        holds: Precisions by encoding (`Layout`).
        words: The search by words of ``--hybrid``, named; None: it has none.
        words_in_rows: Whether words are kept with each document, so that a table without them is filled anew.
        server: Whether it may have an address.
        credentials: Environment variables that its credentials stand in, for messages.
        lacks: Why it has not what ``holds`` lacks, by encoding or precision.
        batch: Documents in a batch.
    """

    open: Callable[[Any, IndexPlace, Layout], Engine]
    holds: Mapping[str, Sequence[str]]
    words: str | None = None
    words_in_rows: bool = False
    server: bool = False
    credentials: str = ""
    lacks: Mapping[str, str] = field(default_factory=dict)
    batch: int = 1024
