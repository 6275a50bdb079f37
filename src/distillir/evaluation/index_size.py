"""Size of an index of a student's encodings."""

from pathlib import Path
from typing import Any

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding.kinds import ENCODERS
from distillir.encoding.model_files import model_kind
from distillir.encoding.model_options import ModelOptions


def index_size(
    model: str | Path,
    collection: Collection,
    query_rows: Rows,
    precision: str = "float32",
    trust_remote_code: bool = False,
) -> dict[str, Any]:
    """Number of vectors or words of a corpus's encodings and their size, read from a search's encodings in the cache.

    Args:
        model: The student's folder.
        collection: The corpus and the queries.
        query_rows: Query rows, at least one.
        precision: That of the search.
        trust_remote_code: Whether code that comes with the student may run.

    Returns:
        ``kind``, and what `distillir.encoding.kinds.EncoderKind.size` says.

    Raises:
        DistillirError: It encodes nothing.
    """
    kind, options = model_kind(model), ModelOptions(trust_remote_code=trust_remote_code)
    if kind not in ENCODERS:
        raise DistillirError(f"is a {kind} model, and has no index", where=str(model))
    tables = collection.corpus, collection.queries
    return {"kind": kind, **ENCODERS[kind].size(str(model), *tables, query_rows, precision=precision, options=options)}
