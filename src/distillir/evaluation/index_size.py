"""Size of an index of a student's encodings."""

from pathlib import Path
from typing import Any

from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.encoding.model_options import ModelOptions
from distillir.students.kind import StudentKind
from distillir.students.registry import kind_of_files


def index_size(
    model: str | Path,
    collection: Collection,
    query_rows: Rows,
    precision: str = "float32",
    trust_remote_code: bool = False,
    kind: StudentKind | None = None,
) -> dict[str, Any]:
    """Number of vectors or words of a corpus's encodings and their size, read from a search's encodings in the cache.

    Args:
        model: The student's folder.
        collection: The corpus and the queries.
        query_rows: Query rows, at least one.
        precision: That of the search.
        trust_remote_code: Whether code that comes with the student may run.
        kind: The student's kind; None: what its files say.

    Returns:
        ``kind``, and what the kind says of its size (`StudentKind.size`), with two digits behind the point, bytes with
        none.
    """
    own = kind_of_files(model) if kind is None else kind
    options = ModelOptions(trust_remote_code=trust_remote_code)
    found = own.size(str(model), collection, query_rows, precision=precision, options=options)
    digits = {"per_document": 2, "per_query": 2, "bytes_per_document": None}
    rounded = {name: round(value, digits[name]) if name in digits else value for name, value in found.items()}
    return {"kind": own.name, **rounded}
