"""Size of an index of a student's encodings."""

from pathlib import Path
from typing import Any

import numpy as np

from distillir.collections import Collection
from distillir.collections.table import Rows
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
        ``kind``; ``unit``, what a text is made of (``numbers``, ``vectors`` or ``words``); ``per_document`` and
        ``per_query``, how many of them in the mean; ``bytes_per_document``: 4 a number, 8 a word and its weight.
    """
    kind, name = model_kind(model), str(model)
    loading = ModelOptions(trust_remote_code=trust_remote_code)
    options: dict[str, Any] = {"precision": precision, "options": loading}
    corpus, queries = collection.corpus, collection.queries
    if kind == "multi-vector":
        from distillir.encoding.token_vectors import encode_tokens

        documents = encode_tokens(name, corpus, kind="document", **options)
        asked = encode_tokens(name, queries, query_rows, kind="query", **options).of(query_rows)
        per_document, unit = documents.count / max(len(corpus), 1), "vectors"
        per_query, each = float(np.mean([len(found) for found in asked])), 4 * asked[0].shape[1]
    elif kind == "sparse":
        from distillir.encoding.sparse_vectors import encode_sparse

        per_document = encode_sparse(name, corpus, kind="document", **options).nnz / max(len(corpus), 1)
        per_query = encode_sparse(name, queries, query_rows, kind="query", **options).nnz / len(query_rows)
        each, unit = 8, "words"
    else:
        from distillir.encoding.vectors import encode_rows

        width = encode_rows(name, queries, query_rows[:1], kind="query", **options).shape[1]
        per_document = per_query = float(width)
        each, unit = 4, "numbers"
    return {
        "kind": kind,
        "unit": unit,
        "per_document": round(per_document, 2),
        "per_query": round(per_query, 2),
        "bytes_per_document": round(per_document * each),
    }
