"""Statements of SQL for a table with vectors: names as identifiers, values as parameters."""

from typing import TYPE_CHECKING, Any

from distillir.engines.engine import Layout

if TYPE_CHECKING:
    from distillir.engines.postgres import PostgresOptions

_OPERATORS = {"cosine": "<=>", "dot": "<#>"}
_CLASSES = {"cosine": "cosine_ops", "dot": "ip_ops"}


class Statements:
    """The statements for one table.

    Args:
        table: Its name.
        column: Type of its vectors: ``vector``, ``halfvec`` or ``sparsevec``.
        layout: What it holds.
        options: Of the index.

    Attributes:
        create: Makes the table.
        drop: Deletes it.
        numbers: Rows of its documents.
        copy: Takes documents in.
        index_vectors: Makes the HNSW index where it is missing.
        column_words: Keeps each document's words beside it, where they are missing: ranks are computed from them.
        index_words: Makes the index of words where it is missing.
        analyze: Counts values for the planner.
        search: Nearest documents; parameters ``vector``, ``depth`` and, of binary ones, ``candidates``.
        hybrid: By vectors and words; parameters also ``words``, ``fused`` and ``k``.
    """

    def __init__(self, table: str, column: str, layout: Layout, options: "PostgresOptions") -> None:
        from psycopg import sql

        self.name = sql.Identifier(table)
        # The keywords below are of this file; all that comes from elsewhere is an identifier, a literal or a parameter.
        types = {name: sql.SQL(name) for name in ("vector", "halfvec", "sparsevec")}
        parts: dict[str, Any] = {
            "table": self.name,
            "type": types[column],
            "width": sql.Literal(layout.width),
            "operator": sql.SQL(_OPERATORS[layout.similarity]),
            "class": sql.SQL(f"{column}_{_CLASSES[layout.similarity]}"),
            "language": sql.Literal(options.language),
            "m": sql.Literal(options.m),
            "ef": sql.Literal(options.ef_construction),
            "by_vector": sql.Identifier(f"{table}_vector"),
            "by_words": sql.Identifier(f"{table}_words"),
        }
        binary = layout.precision == "binary"

        def statement(text: str) -> Any:
            return sql.SQL(text).format(**parts)

        self.create = statement(
            "CREATE TABLE {table} (number bigint PRIMARY KEY, id text NOT NULL, title text NOT NULL, "
            "text text NOT NULL, vector {type}({width}) NOT NULL)"
        )
        self.drop = statement("DROP TABLE {table}")
        self.numbers = statement("SELECT number FROM {table}")
        self.copy = statement("COPY {table} (number, id, title, text, vector) FROM STDIN WITH (FORMAT BINARY)")
        self.analyze = statement("ANALYZE {table}")
        indexed = "(binary_quantize(vector)::bit({width})) bit_hamming_ops" if binary else "vector {class}"
        self.index_vectors = statement(
            f"CREATE INDEX IF NOT EXISTS {{by_vector}} ON {{table}} USING hnsw ({indexed}) "
            "WITH (m = {m}, ef_construction = {ef})"
        )
        self.column_words = statement(
            "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS words tsvector "
            "GENERATED ALWAYS AS (to_tsvector({language}, title || ' ' || text)) STORED"
        )
        self.index_words = statement("CREATE INDEX IF NOT EXISTS {by_words} ON {table} USING gin (words)")
        found = _BINARY if binary else _NEAREST
        self.search = statement(f"{found} LIMIT %(depth)s")
        self.hybrid = statement(_HYBRID.replace("NEAREST", f"{found} LIMIT %(fused)s"))

    def quoted(self, connection: Any) -> str:
        """The table's name as SQL has it."""
        return str(self.name.as_string(connection))


_NEAREST = "SELECT id, title, text, number FROM {table} ORDER BY vector {operator} %(vector)s"
#: Candidates by their bits, then by their whole vectors.
_BINARY = """SELECT id, title, text, number FROM (
    SELECT * FROM {table}
    ORDER BY binary_quantize(vector)::bit({width}) <~> binary_quantize(%(vector)s) LIMIT %(candidates)s
) AS candidates ORDER BY vector {operator} %(vector)s"""
#: Words are joined by "or": a document need not hold all of a question's. Ranks go down with the length of a text.
_HYBRID = """WITH asked AS (
    SELECT replace(plainto_tsquery({language}, %(words)s)::text, '&', '|')::tsquery AS words
), by_vector AS (
    SELECT number, row_number() OVER () AS rank FROM (NEAREST) AS nearest
), by_words AS (
    SELECT number, row_number() OVER (ORDER BY score DESC, number) AS rank FROM (
        SELECT number, ts_rank({table}.words, asked.words, 1) AS score
        FROM {table}, asked WHERE {table}.words @@ asked.words
        ORDER BY score DESC, number LIMIT %(fused)s
    ) AS worded
), fused AS (
    SELECT number, sum(1.0 / (%(k)s + rank)) AS score
    FROM (SELECT * FROM by_vector UNION ALL SELECT * FROM by_words) AS ranked GROUP BY number
)
SELECT id, title, text FROM fused JOIN {table} USING (number) ORDER BY score DESC, number LIMIT %(depth)s"""
