"""PostgreSQL with pgvector: a table with an HNSW index, in whatever database libpq's variables name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from pydantic import Field

from distillir.base.arrays import Rows
from distillir.base.environment import short_line
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.engines import postgres_sql
from distillir.engines.engine import FUSED_DEPTH, FUSED_K, DocumentBatch, Engine, EngineKind, IndexPlace, Layout
from distillir.engines.needed import needed_library
from distillir.specs.part import Count, Options, Word

CREDENTIALS = "PGPASSWORD (or a file ~/.pgpass)"
#: Dimensions that an HNSW index takes, by the type of its column.
_MOST = {"vector": 2000, "halfvec": 4000, "bit": 64_000, "sparsevec": 10**9}
#: The column's type by precision; of binary ones the bits are in the index alone.
_COLUMNS = {"float32": "vector", "float16": "halfvec", "binary": "halfvec"}
#: Of the lock under which the table of records is made.
_RECORDS_LOCK = 0x64697374


class PostgresOptions(Options):
    """Options of PostgreSQL with pgvector."""

    exact_below: Count = Field(10_000, description="fewer rows are compared one by one, without an index")
    m: Count = Field(16, description="neighbours of a document in the HNSW graph")
    ef_construction: Count = Field(128, description="candidates while the graph is made")
    ef_search: int = Field(300, ge=1, le=1000, description="candidates that a search keeps (hnsw.ef_search)")
    rescore: Count = Field(10, description="binary: so many times as many are compared by their whole vectors")
    language: Word = Field("english", description="of the search by words, as PostgreSQL calls it")


class PostgresEngine(Engine):
    """A table of PostgreSQL, and its record in the table ``distillir_indexes``.

    Args:
        options: See `PostgresOptions`.
        place: Where.
        layout: What it holds.
    """

    def __init__(self, options: PostgresOptions, place: IndexPlace, layout: Layout) -> None:
        self._psycopg = needed_library("psycopg", "pgvector")
        types = needed_library("pgvector", "pgvector")
        self._options, self._layout, self._table = options, layout, place.table
        self._type = "sparsevec" if layout.encoding == "sparse" else _COLUMNS[layout.precision]
        self._make = {"vector": types.Vector, "halfvec": types.HalfVector, "sparsevec": types.SparseVector}[self._type]
        self._replaced = 0
        self._connection = self._connect(place.address)
        info = self._connection.info
        self.place = f"PostgreSQL at {info.host or 'this machine'}, database {info.dbname}, table {place.table}"
        try:
            with self._told():
                self.version = self._prepare()
        except BaseException:
            self.close()
            raise
        self.sql = postgres_sql.Statements(place.table, self._type, layout, options)

    def _connect(self, address: str | None) -> Any:
        try:
            return self._psycopg.connect(address or "", autocommit=True, application_name="distillir")
        except self._psycopg.Error as error:
            raise DistillirError(
                f"no PostgreSQL answers ({short_line(str(error))})",
                where="--to pgvector",
                remedy="name one by libpq's variables (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD), or by "
                "--address postgresql://HOST:PORT/DATABASE",
            ) from None

    def _prepare(self) -> str:
        """Have the extension and its types; the versions."""
        from pgvector.psycopg import register_vector

        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (_RECORDS_LOCK,))
            known = self._one("SELECT extversion FROM pg_extension WHERE extname = %s", ("vector",))
            if known is None:
                try:
                    with self._connection.transaction():
                        self._connection.execute("CREATE EXTENSION vector")
                except self._psycopg.Error as error:
                    raise DistillirError(
                        f"has no pgvector ({short_line(str(error))})",
                        where=self.place,
                        remedy="install it on the server, and let its administrator run CREATE EXTENSION vector",
                    ) from None
                known = self._one("SELECT extversion FROM pg_extension WHERE extname = %s", ("vector",))
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS distillir_indexes (name text PRIMARY KEY, record jsonb NOT NULL)"
            )
        register_vector(self._connection)
        language = self._options.language
        if self._one("SELECT 1 FROM pg_ts_config WHERE cfgname = %s", (language,)) is None:
            raise DistillirError(
                f"PostgreSQL knows no language {language!r}", where="--set language", remedy="see \\dF in psql"
            )
        settings = (("hnsw.ef_search", self._options.ef_search), ("client_min_messages", "warning"))
        for name, value in settings:
            self._connection.execute("SELECT set_config(%s, %s, false)", (name, str(value)))
        server = self._connection.info.server_version
        return f"PostgreSQL {server // 10_000}.{server % 10_000}, pgvector {known[0] if known else ''}"

    def _one(self, query: str, values: tuple[Any, ...]) -> Any:
        return self._connection.execute(query, values).fetchone()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell in one line what the server refuses."""
        try:
            yield
        except self._psycopg.Error as error:
            primary = getattr(getattr(error, "diag", None), "message_primary", None)
            raise DistillirError(
                f"PostgreSQL refuses ({short_line(primary or str(error))})",
                where=self.place,
                remedy="mend that, and run the same command again: it goes on where it stopped",
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """See `Engine.lock`: an advisory lock of this session, for every command that knows the server."""
        key = f"distillir {self._table}"
        with self._told():
            held = self._one("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (key,))
        if not held[0]:
            raise DistillirError(
                "another command is writing into this table", where=self.place, remedy="wait until it has ended"
            )
        yield  # the server gives it back with the connection

    def record(self) -> dict[str, Any] | None:
        """See `Engine.record`."""
        with self._told():
            if self._one("SELECT to_regclass(%s)", (self.sql.quoted(self._connection),))[0] is None:
                return None
            columns = self._one(
                "SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute "
                "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
                (self.sql.quoted(self._connection),),
            )
            found = self._one("SELECT record FROM distillir_indexes WHERE name = %s", (self._table,))
        # A record may outlive its table, in whose place somebody's own may stand.
        ours = found is not None and columns[0][:5] == ["number", "id", "title", "text", "vector"]
        return dict(found[0]) if ours else {}

    def create(self, record: Mapping[str, Any]) -> None:
        """See `Engine.create`."""
        from psycopg.types.json import Jsonb

        most = _MOST[self._index_type]
        if self._layout.width > most and self._layout.documents >= self._options.exact_below:
            ways = "--precision float16 or --dimensions" if self._type == "vector" else "--dimensions"
            raise DistillirError(
                f"pgvector's index takes {most} dimensions of {self._index_type}, and these are {self._layout.width}",
                where=self.place,
                remedy=f"give {ways}, or --set exact_below={self._layout.documents + 1} to search without an index",
            )
        with self._told(), self._connection.transaction():
            self._connection.execute(self.sql.create)
            self._connection.execute("DELETE FROM distillir_indexes WHERE name = %s", (self._table,))
            self._connection.execute(
                "INSERT INTO distillir_indexes (name, record) VALUES (%s, %s)", (self._table, Jsonb(dict(record)))
            )

    @property
    def _index_type(self) -> str:
        return "bit" if self._layout.precision == "binary" else self._type

    def drop(self) -> None:
        """See `Engine.drop`."""
        with self._told(), self._connection.transaction():
            self._connection.execute(self.sql.drop)
            self._connection.execute("DELETE FROM distillir_indexes WHERE name = %s", (self._table,))

    def numbers(self) -> Rows:
        """See `Engine.numbers`."""
        with self._told():
            found = self._connection.execute(self.sql.numbers).fetchall()
        return np.fromiter((row[0] for row in found), dtype=np.int64, count=len(found))

    def add(self, batch: DocumentBatch) -> None:
        """See `Engine.add`: one transaction. PostgreSQL's texts hold no NUL."""
        for name in batch.ids:
            if "\0" in name:
                raise DistillirError(f"the id {name!r} holds a NUL, which PostgreSQL's texts cannot", where=self.place)
        vectors = [self._vector(batch.vectors, place) for place in range(len(batch.ids))]
        rows = zip(batch.numbers.tolist(), batch.ids, batch.titles, batch.texts, vectors, strict=True)
        one = self._connection
        with self._told(), one.transaction(), one.cursor() as cursor, cursor.copy(self.sql.copy) as copy:
            copy.set_types(["int8", "text", "text", "text", self._type])
            for number, name, title, text, vector in rows:
                copy.write_row((number, name, self._plain(title), self._plain(text), vector))

    def _plain(self, text: str) -> str:
        if "\0" not in text:
            return text
        self._replaced += 1
        return text.replace("\0", "\ufffd")

    def _vector(self, vectors: Any, place: int) -> Any:
        if self._type != "sparsevec":
            return self._make(vectors[place])
        row = vectors[place]
        values = dict(zip(row.indices.tolist(), row.data.astype(float).tolist(), strict=True))
        return self._make(values, self._layout.width)

    def finish(self) -> str:
        """See `Engine.finish`."""
        if self._replaced:
            say(f"{self._replaced} titles and texts held a NUL, which PostgreSQL's texts cannot: U+FFFD stands there")
        with self._told():
            if self._layout.words:
                self._connection.execute(self.sql.column_words)
                self._connection.execute(self.sql.index_words)
            coded = self._layout.precision == "binary"
            if self._layout.documents < self._options.exact_below and not coded:
                self._connection.execute(self.sql.analyze)
                return "exact, without an index"
            say(f"Index HNSW of {self._layout.documents} documents")
            self._connection.execute(self.sql.index_vectors)
            self._connection.execute(self.sql.analyze)
        options = self._options
        more = f", rescore {options.rescore}" if coded else ""
        return f"HNSW (m {options.m}, ef_construction {options.ef_construction}, ef_search {options.ef_search}{more})"

    def search(self, vector: Any, depth: int) -> list[str]:
        """See `Engine.search`."""
        values = {"vector": self._vector(vector[None] if vector.ndim == 1 else vector, 0), "depth": depth}
        return self._ids(self.sql.search, {**values, "candidates": depth * self._options.rescore})

    def hybrid(self, vector: Any, text: str, depth: int) -> list[str]:
        """See `Engine.hybrid`: ts_rank of PostgreSQL's full text search, which is no BM25, fused in SQL."""
        values = {"vector": self._make(vector), "depth": depth, "candidates": FUSED_DEPTH * self._options.rescore}
        words = text.replace("\0", " ")
        return self._ids(self.sql.hybrid, {**values, "words": words, "fused": FUSED_DEPTH, "k": FUSED_K})

    def _ids(self, query: Any, values: Mapping[str, Any]) -> list[str]:
        with self._told():
            found = self._connection.execute(query, values).fetchall()
        return [row[0] for row in found]

    def close(self) -> None:
        """See `Engine.close`."""
        self._connection.close()


PGVECTOR = EngineKind(
    "pgvector",
    "PostgreSQL with pgvector: a table in a database that is there; dense and sparse, full text search (extra: "
    "pgvector)",
    PostgresOptions,
    open=PostgresEngine,
    holds={"dense": ("float32", "float16", "binary"), "sparse": ("float32",)},
    words="PostgreSQL's full text search (ts_rank)",
    server=True,
    credentials=CREDENTIALS,
    lacks={"multi-vector": "pgvector has no MaxSim", "int8": "pgvector has no numbers of 8 bits"},
)
