"""The columns of a teaching set on disk."""

import pyarrow as pa

from distillir.base.errors import DistillirError

VERSION = 1
INFO_FILE = "teaching.json"
INFO_KEY = b"distillir.teaching"  # where a Parquet file keeps what teaching.json holds

#: One row a list. ``query`` and ``documents`` are rows of the collection's tables; the ids stand beside them for people
#: and for other programs.
FIELDS = {
    "query": pa.int64(),
    "query_id": pa.string(),
    "documents": pa.list_(pa.int64()),
    "document_ids": pa.list_(pa.string()),
    "scores": pa.list_(pa.float32()),
    "relevant": pa.list_(pa.bool_()),
}
#: Not in a set whose candidates are still to be scored.
OPTIONAL = frozenset({"scores"})


def arrow_schema(has_scores: bool) -> pa.Schema:
    """The Arrow schema, with or without teacher scores."""
    return pa.schema([(name, kind) for name, kind in FIELDS.items() if has_scores or name != "scores"])


def conform(table: pa.Table, where: object) -> pa.Table:
    """Bring the known columns of a table to the types of `FIELDS`; others are passed through.

    Raises:
        DistillirError: A column is missing or of a type that cannot be converted.
    """
    missing = [name for name in FIELDS if name not in table.column_names and name not in OPTIONAL]
    if missing:
        raise DistillirError(
            f"no column {missing[0]!r}", where=where, remedy=f"a teaching set has the columns {', '.join(FIELDS)}"
        )
    for name, kind in FIELDS.items():
        place = table.column_names.index(name) if name in table.column_names else -1
        if place >= 0 and table.schema.field(place).type != kind:
            try:
                table = table.set_column(place, name, table.column(place).cast(kind))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise DistillirError(f"column {name!r} is not {kind} ({error})", where=where) from None
    return table
