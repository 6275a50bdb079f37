"""Texts that a run encodes, in the pieces in which one process encodes it: many share them, none does one twice."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from filelock import FileLock, Timeout

from distillir.base.arrays import Rows
from distillir.base.files import cache_root
from distillir.base.progress import one_progress, say
from distillir.collections import Collection
from distillir.collections.joined import JoinedTable
from distillir.collections.run import Run
from distillir.collections.table import TextTable
from distillir.encoding.device import pick_device
from distillir.encoding.precision import resolve_precision
from distillir.encoding.segments import ROWS_PER_SEGMENT, Segments, segments_folder
from distillir.encoding.store import VectorStore
from distillir.encoding.vectors import ROWS_PER_BLOCK, Kind, encode_into_store, vectors_folder
from distillir.pipeline.mined_parts import MinedPart, evaluation_part, selection_part, training_part
from distillir.pipeline.products import BY_NAME
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.shards.share import Share
from distillir.retrieval.sources import MODEL_SOURCES, load_retriever, read_sources
from distillir.teachers.counted import flatten
from distillir.teachers.encoders.encoder import QUERIES_PER_BLOCK, EncoderTeacher

#: Pieces that are encoded in one call at most: a model is loaded once a call, and a kill wastes no more than one piece.
_PIECES = 16
#: Stores of rows that vary in length, by the kind of model.
_STORES = {"multi-vector": "token-vectors", "sparse": "sparse-vectors"}


@dataclass(frozen=True)
class Encoding:
    """Texts that a model encodes into a store.

    Attributes:
        kind: Of the model: ``dense``, ``multi-vector`` or ``sparse``.
        model: Its folder or name.
        table: The texts' table.
        calls: Rows, as one process asks for them one call after the other.
        side: ``query`` or ``document``.
        settings: ``max_length``, ``precision`` and ``options``; ``stored`` where that is not float32.
    """

    kind: str
    model: str
    table: TextTable
    calls: Sequence[Rows]
    side: Kind
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """Name for people."""
        form = f" ({self.settings['stored']})" if "stored" in self.settings else ""
        return f"{'queries' if self.side == 'query' else 'documents'} by {Path(self.model).name}{form}"

    @property
    def folder(self) -> Path:
        """Folder of the store, made or not."""
        precision = resolve_precision(self.settings["precision"], pick_device())
        length, options = self.settings["max_length"], self.settings["options"]
        more: dict[str, Any] = {"options": options, "stored": self.settings.get("stored", "float32")}
        if self.kind == "dense":
            return vectors_folder(self.model, self.table, self.side, length, precision, **more)
        return segments_folder(_STORES[self.kind], self.model, self.table, self.side, length, precision, **more)

    @property
    def rows(self) -> Rows:
        """All rows that are asked for, each once, ascending."""
        return np.unique(np.concatenate([*self.calls, np.empty(0, dtype=np.int64)]))

    def missing(self, rows: Rows) -> Rows:
        """Those of some rows that are not encoded yet."""
        if self.kind != "dense":
            return Segments(self.folder, len(self.table)).missing(rows)
        folder = self.folder
        return VectorStore(folder, len(self.table)).missing(rows) if VectorStore.exists(folder) else rows

    def pieces(self) -> Iterator[list[Rows]]:
        """Groups of pieces that one process encodes one after the other, all rows once."""
        size = ROWS_PER_BLOCK if self.kind == "dense" else ROWS_PER_SEGMENT
        # A mark for each row, not a set of rows: that would be sorted again for each block.
        before = np.zeros(len(self.table), dtype=bool)
        for call in self.calls:
            rows = np.unique(call)
            if self.kind == "dense":
                blocks = [block[~before[block]] for block in _cut(rows, size)]
            else:
                blocks = _cut(rows[~before[rows]], size)
            before[rows] = True
            blocks = [block for block in blocks if len(block)]
            for start in range(0, len(blocks), _PIECES):
                yield blocks[start : start + _PIECES]

    def encode(self, pieces: list[Rows]) -> None:
        """Encode pieces, each by itself; several in one call where that cuts them the same way."""
        size = ROWS_PER_BLOCK if self.kind == "dense" else ROWS_PER_SEGMENT
        together = np.concatenate(pieces)
        again = _cut(together, size)
        same = len(again) == len(pieces) and all(map(np.array_equal, again, pieces))
        for rows in [together] if same else pieces:
            if self.kind == "dense":
                encode_into_store(self.model, self.table, rows, kind=self.side, **self.settings)
            elif self.kind == "multi-vector":
                from distillir.encoding.token_vectors import encode_tokens

                encode_tokens(self.model, self.table, rows, kind=self.side, **self.settings)
            else:
                from distillir.encoding.sparse_vectors import encode_sparse

                encode_sparse(self.model, self.table, rows, kind=self.side, **self.settings)


def mined_here(folder: RunFolder) -> list[MinedPart]:
    """The parts of the queries that the run mines for, in its order."""
    if folder.recipe.teaching is not None:
        return []
    wanted = {"candidates": training_part, "evaluation candidates": evaluation_part}
    parts = [make(folder) for product, make in wanted.items() if BY_NAME[product].wanted(folder)]
    chosen = selection_part(folder)
    return parts if chosen is None else [*parts, chosen]


def encodings_to_mine(folder: RunFolder) -> list[Encoding]:
    """Encodings of the sources of candidates: the corpus, and the queries that are mined for."""
    parts, found = mined_here(folder), list[Encoding]()
    if not parts:
        return found
    collection = folder.collection
    corpus, all_rows = collection.corpus, [np.arange(len(collection.corpus))]
    for kind, model, settings, documents in _model_sources(folder):
        if documents is not None:
            found += encodings_of_table(kind, model, corpus, all_rows, "document", settings | documents)
        found += encodings_of_table(kind, model, collection.queries, [part.rows for part in parts], "query", settings)
    return found


def encodings_to_score(
    collection: Collection, teachers: Iterable[EncoderTeacher], runs: Sequence[Run]
) -> list[Encoding]:
    """Encodings of teachers that read queries and documents apart.

    Args:
        collection: Where the texts are.
        teachers: Such teachers.
        runs: Candidates, in the order in which one process asks about them.
    """
    asked, read = list[Rows](), list[Rows]()
    for run in runs:
        lists = run.lists
        for start in range(0, len(run), QUERIES_PER_BLOCK):
            queries, documents, _ = flatten(
                run.queries[start : start + QUERIES_PER_BLOCK], lists[start : start + QUERIES_PER_BLOCK]
            )
            asked.append(np.unique(queries))
            read.append(np.unique(documents))
    found = list[Encoding]()
    for teacher in teachers:
        settings = {name: value for name, value in teacher.encoding.items() if name != "cache"}
        found += encodings_of_table(teacher.kind, teacher.model, collection.queries, asked, "query", settings)
        found += encodings_of_table(teacher.kind, teacher.model, collection.corpus, read, "document", settings)
    return found


def encode_all(encodings: Iterable[Encoding], share: Share | None = None, *, others: bool = True) -> int:
    """Encode what is missing, beside other processes that do the same.

    Args:
        encodings: What there is to encode.
        share: Which pieces are begun with; None: the first.
        others: Whether to go on with the pieces of other shares that nobody is at work on, and to wait for the rest.

    Returns:
        Number of texts that this process encoded.
    """
    pieces = [(encoding, group) for encoding in encodings for group in encoding.pieces()]
    own = pieces if share is None else [pieces[i] for i in share.rows(np.arange(len(pieces)))]
    places = {id(group) for _, group in own}
    rest = [piece for piece in pieces if id(piece[1]) not in places] if others else []
    done, later = 0, list[tuple[Encoding, list[Rows]]]()
    turns = [*own, *rest]
    with one_progress("Encode", _missing(turns)):
        for encoding, group in turns:
            encoded = _encode(encoding, group, wait=False)
            if encoded < 0:
                later.append((encoding, group))
            done += max(encoded, 0)
    if later and others:
        say(f"waiting for other processes that encode {', '.join(sorted({one.name for one, _ in later}))}")
        for encoding, group in later:
            done += _encode(encoding, group, wait=True)
    return done


def _missing(pieces: list[tuple[Encoding, list[Rows]]]) -> int:
    """Number of texts of pieces that are not encoded yet; each store is opened once."""
    rows: dict[int, list[Rows]] = {}
    encodings = {id(encoding): encoding for encoding, _ in pieces}
    for encoding, group in pieces:
        rows.setdefault(id(encoding), []).extend(group)
    return sum(len(encodings[one].missing(np.concatenate(of_it))) for one, of_it in rows.items())


def _encode(encoding: Encoding, group: list[Rows], *, wait: bool) -> int:
    """Encode what of a group of pieces is missing; -1 where another process is at work on it."""
    if not len(encoding.missing(np.concatenate(group))):
        return 0
    name = xxhash.xxh3_64_hexdigest(np.concatenate(group).tobytes())
    path = cache_root() / "shards" / encoding.folder.name / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        return -1
    except NotImplementedError:  # a file system without locks: at worst a piece is encoded twice
        pass
    try:
        left = [rows for rows in (encoding.missing(piece) for piece in group) if len(rows)]
        if left:
            encoding.encode(left)
        return sum(map(len, left))
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        lock.release()


def encodings_of_table(
    kind: str, model: str, table: TextTable, calls: list[Rows], side: Kind, settings: dict[str, Any]
) -> list[Encoding]:
    """The encodings of rows of a table: of a joined one, each part has a store of its own."""
    if not isinstance(table, JoinedTable):
        return [Encoding(kind, model, table, calls, side, settings)]
    size = len(table.first)
    early = [rows[rows < size] for rows in calls]
    late = [rows[rows >= size] - size for rows in calls]
    return [
        *encodings_of_table(kind, model, table.first, early, side, settings),
        *encodings_of_table(kind, model, table.second, late, side, settings),
    ]


def own_encoder(retriever: Any) -> tuple[str, str, dict[str, Any], dict[str, Any] | None] | None:
    """The encoder of a retriever; None where it has none.

    Returns:
        Kind, model and settings, and settings of documents alone (``stored``); None where no document is encoded.
    """
    from distillir.retrieval.dense import DenseRetriever
    from distillir.retrieval.multi_vector import MultiVectorRetriever
    from distillir.retrieval.sparse import SparseRetriever
    from distillir.students.kept_documents.retriever import KeptRetriever

    own = {DenseRetriever: "dense", MultiVectorRetriever: "multi-vector", SparseRetriever: "sparse"}
    if type(retriever) in own:
        stored = getattr(retriever, "stored", "float32")
        documents = {} if stored == "float32" else {"stored": stored}
        return own[type(retriever)], retriever.model, retriever.encoding, documents
    if isinstance(retriever, KeptRetriever):
        return "dense", retriever.model, retriever.encoding, None
    return None


def _model_sources(folder: RunFolder) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any] | None]]:
    """`own_encoder` of the sources that encode texts; first stages included."""
    student, named = folder.recipe.student, folder.recipe.candidates.from_
    trust = student.trust_remote_code
    default = student.own_kind.source_of(None, initial=str(folder.initial_student), trust_remote_code=trust)
    waiting: list[Any] = list(named) if isinstance(named, list | tuple) else [named]
    while waiting:
        source = waiting.pop(0)
        if read_sources(source)[0][0] not in MODEL_SOURCES:
            continue
        made: Any = load_retriever(source, default, trust_default=trust)
        if (found := own_encoder(made)) is not None:
            yield found
        if getattr(made, "first", None) not in (None, "index"):
            waiting.append(made.first)


def _cut(rows: Rows, size: int) -> list[Rows]:
    """Rows in pieces of at most ``size``, as one process cuts them."""
    return np.array_split(rows, max(1, -(-len(rows) // size)))
