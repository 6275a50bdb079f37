"""LanceDB: embedded tables in a folder."""

import os
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import read_json, write_json
from distillir.base.lock import locked
from distillir.base.output_folder import make_output
from distillir.base.progress import say
from distillir.engines.engine import FUSED_DEPTH, FUSED_K, DocumentBatch, Engine, EngineKind, IndexPlace, Layout
from distillir.engines.needed import needed_library
from distillir.specs.part import Count, Options

_COLUMNS = ("id", "title", "text")
#: Fewer rows (or token vectors) train no index.
_TRAINABLE = 256
#: Versions of a table that is finished, at most.
_VERSIONS = 8
#: Indices by precision: a graph over whole numbers or over codes of 8 bits, partitions of codes of 1 bit (RaBitQ).
_INDICES = {"float32": "HnswFlat", "float16": "HnswFlat", "int8": "HnswSq", "binary": "IvfRq"}


class LanceOptions(Options):
    """Options of LanceDB."""

    exact_below: Count = Field(20_000, description="fewer rows are compared one by one, without an index")
    ef: Count = Field(200, description="candidates that a search of a graph keeps")
    nprobes: Count = Field(32, description="partitions looked into, where the index has partitions")
    refine: Count = Field(10, description="int8, binary, multi-vector: so many times as many are compared exactly")
    language: str = Field("English", description="of the search by words")


class LanceEngine(Engine):
    """A table of LanceDB, with a file of its record beside it.

    Args:
        options: See `LanceOptions`.
        place: Where.
        layout: What it holds.
    """

    def __init__(self, options: LanceOptions, place: IndexPlace, layout: Layout) -> None:
        # Rust's own log tells of what is no fault, such as a table that is not there yet.
        os.environ.setdefault("LANCEDB_LOG", "error")
        self._library = needed_library("lancedb", "lancedb")
        self._options, self._place, self._layout = options, place, layout
        self.place = f"{place.folder}, table {place.table}"
        self.version = f"lancedb {self._library.__version__}"
        self._added = False
        self._record = place.folder / f"{place.table}.json"

    def lock(self) -> AbstractContextManager[None]:
        """See `Engine.lock`."""
        return _locked(self._place.folder)

    @cached_property
    def _connection(self) -> Any:
        make_output(self._place.folder)
        return self._library.connect(str(self._place.folder))

    @cached_property
    def _table(self) -> Any:
        return self._connection.open_table(self._place.table)

    def record(self) -> dict[str, Any] | None:
        """See `Engine.record`."""
        if not (self._place.folder / f"{self._place.table}.lance").is_dir():
            return None
        return read_json(self._record, "give --anew") if self._record.is_file() else {}

    def create(self, record: Mapping[str, Any]) -> None:
        """See `Engine.create`."""
        write_json(self._record, dict(record))  # first: a table without a record is not known for ours
        self._connection.create_table(self._place.table, schema=self._schema)

    def drop(self) -> None:
        """See `Engine.drop`."""
        self._connection.drop_table(self._place.table)
        self._record.unlink(missing_ok=True)
        vars(self).pop("_table", None)

    @cached_property
    def _schema(self) -> Any:
        import pyarrow as pa

        numbers = pa.float16() if self._layout.precision == "float16" else pa.float32()
        vector = pa.list_(numbers, self._layout.width)
        if self._layout.encoding == "multi-vector":
            vector = pa.list_(vector)
        texts = [pa.field(name, pa.string()) for name in _COLUMNS]
        return pa.schema([pa.field("number", pa.int64()), *texts, pa.field("vector", vector)])

    def numbers(self) -> Rows:
        """See `Engine.numbers`."""
        count = self._table.count_rows()
        if not count:
            return np.empty(0, dtype=np.int64)
        found = self._table.search().select(["number"]).limit(count).to_arrow()
        return np.asarray(found["number"].to_numpy(), dtype=np.int64)

    def add(self, batch: DocumentBatch) -> None:
        """See `Engine.add`: one version of the table, which is there or is not."""
        import pyarrow as pa

        columns = [pa.array(batch.numbers), *(pa.array(texts) for texts in (batch.ids, batch.titles, batch.texts))]
        self._added = True
        self._table.add(pa.table([*columns, self._vectors(batch.vectors)], schema=self._schema))

    def _vectors(self, vectors: Any) -> Any:
        import pyarrow as pa

        if self._layout.encoding == "dense":
            numbers = np.float16 if self._layout.precision == "float16" else np.float32
            return pa.FixedSizeListArray.from_arrays(pa.array(vectors.astype(numbers).ravel()), self._layout.width)
        _check_lengths(vectors)
        ends = np.cumsum([0, *(len(each) for each in vectors)]).astype(np.int32)
        flat = pa.array(np.concatenate(vectors).ravel())
        return pa.ListArray.from_arrays(ends, pa.FixedSizeListArray.from_arrays(flat, self._layout.width))

    def finish(self) -> str:
        """See `Engine.finish`; small files of the batches become few."""
        made = {index.name: index.index_type for index in self._table.list_indices()}
        if self._added or len(self._table.list_versions()) > _VERSIONS:  # more than indices leave: a kill came after
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that readers of earlier versions fail: the table is being made
                self._table.optimize(cleanup_older_than=timedelta(0))
        if self._layout.words and "words" not in made:
            from lancedb.index import FTS

            say("Index of words (BM25)")
            self._table.create_index("text", config=FTS(language=self._options.language), name="words")
        wanted = self._index()
        if wanted is None:
            return "exact, without an index"
        if "vector" not in made:
            say(f"Index {wanted.__class__.__name__} of {self._layout.documents} documents")
            self._table.create_index("vector", config=wanted, name="vector")
        return f"{wanted.__class__.__name__} ({self._settings()})"

    def _index(self) -> Any:
        """The index that the table should have; None where all rows are compared."""
        from lancedb import index

        rows, metric = self._table.count_rows(), self._layout.similarity
        coded = self._layout.precision in ("int8", "binary")
        if rows < _TRAINABLE or (rows < self._options.exact_below and not coded):
            return None
        if self._layout.encoding == "multi-vector":
            from distillir.retrieval.late_index import sub_vectors

            return index.IvfPq(distance_type="cosine", num_sub_vectors=sub_vectors(self._layout.width))
        return getattr(index, _INDICES[self._layout.precision])(distance_type=metric)

    def _settings(self) -> str:
        options, name = self._options, _INDICES[self._layout.precision]
        if self._layout.encoding == "multi-vector" or name == "IvfRq":
            return f"nprobes {options.nprobes}, refine {options.refine}"
        return f"ef {options.ef}" + (f", refine {options.refine}" if name == "HnswSq" else "")

    def search(self, vector: Any, depth: int) -> list[str]:
        """See `Engine.search`."""
        asked = self._table.search(vector, vector_column_name="vector")
        return self._ids(self._set(asked.distance_type(self._layout.similarity)), depth)

    def hybrid(self, vector: Any, text: str, depth: int) -> list[str]:
        """See `Engine.hybrid`: LanceDB's BM25, and its own fusion."""
        from lancedb.query import MatchQuery
        from lancedb.rerankers import RRFReranker

        asked = self._table.search(query_type="hybrid", vector_column_name="vector", fts_columns="text")
        asked = asked.distance_type(self._layout.similarity).vector(vector).text(MatchQuery(text, "text"))
        asked = self._set(asked).rerank(RRFReranker(FUSED_K))
        return self._ids(asked, max(depth, FUSED_DEPTH))[:depth]

    def _set(self, asked: Any) -> Any:
        options, precision = self._options, self._layout.precision
        if self._layout.encoding == "multi-vector" or precision in ("int8", "binary"):
            asked = asked.refine_factor(options.refine)
        return asked.ef(options.ef).nprobes(options.nprobes)

    def _ids(self, asked: Any, depth: int) -> list[str]:
        found = asked.limit(depth).select(list(_COLUMNS)).to_arrow()
        ids: list[str] = found["id"].to_pylist()
        return ids

    def close(self) -> None:
        """See `Engine.close`."""
        vars(self).pop("_table", None)
        vars(self).pop("_connection", None)


@contextmanager
def _locked(folder: Path) -> Any:
    make_output(folder)
    with locked(folder):
        yield


def _check_lengths(vectors: list[Any]) -> None:
    lengths = np.linalg.norm(np.concatenate(vectors), axis=1)
    if len(lengths) and not (np.abs(lengths - 1) <= 0.05).all():
        raise DistillirError(
            f"has token vectors of length {lengths[np.abs(lengths - 1).argmax()]:.2f}, and LanceDB compares by cosine",
            where="--to lancedb",
            remedy="choose qdrant, or a model that normalises its vectors",
        )


LANCEDB = EngineKind(
    "lancedb",
    "LanceDB, embedded: a folder, no server; dense and multi-vector, BM25 and vectors together (extra: lancedb)",
    LanceOptions,
    open=LanceEngine,
    holds={"dense": ("float32", "float16", "int8", "binary"), "multi-vector": ("float32",)},
    words="BM25",
    lacks={"sparse": "LanceDB has no column for them"},
    batch=4096,
)
