"""``distillir.index``."""

import os
from collections.abc import Mapping
from typing import Any

from distillir.base.errors import DistillirError
from distillir.front_door.forms import as_path, plain_values
from distillir.front_door.one_line import one_line


@one_line
def index(
    run: "str | os.PathLike[str]",
    *,
    to: str = "lancedb",
    output: "str | os.PathLike[str] | None" = None,
    address: str | None = None,
    table: str | None = None,
    precision: str = "float32",
    dimensions: int | None = None,
    hybrid: bool = False,
    before: bool = False,
    collection: Any = None,
    split: str | None = None,
    queries: int = 1000,
    settings: Mapping[str, Any] | None = None,
    anew: bool = False,
    trust_remote_code: bool = False,
    allow_code: bool = False,
) -> dict[str, Any]:
    """Fill a search engine with a student's vectors, ids, titles and texts, and measure what it answers.

    Args:
        run: The folder of a run; or a model's folder or name, with ``collection``.
        to: The engine: ``lancedb``, ``pgvector``, ``qdrant``, or one of your own (docs/extending.md).
        output: Folder of the measures, and of an embedded engine's files; None: ``index`` in the run's folder.
        address: Of a server, without a password: credentials stand in the environment (docs/engines.md).
        table: Name of the table or collection; None: the run's.
        precision: Of the numbers that are searched: ``float32``, ``float16``, ``int8`` or ``binary``.
        dimensions: The first so many numbers of a vector, of models that were trained for it; None: all.
        hybrid: Whether documents are found by their words too; both together are measured beside vectors alone.
        before: With a run: the student as it was before training.
        collection: With a model: any form of a collection.
        split: With a model: whose judged queries are asked; None: ``test``, or what there is.
        queries: How many are asked at most.
        settings: Options of the engine.
        anew: Whether a table that was made from something else is deleted and filled again.
        trust_remote_code: With a model: whether code that comes with it runs.
        allow_code: Whether Python code runs that is named as ``module:NAME``.

    Returns:
        ``documents``, ``place``, ``index``, ``seconds``, and ``results``: of ``exact`` search, the ``engine`` and
        (where asked) ``hybrid``, the share of exact search's first ten (``recall@10``), milliseconds a query (``ms``:
        ``p50``, ``p95``) and, where there are judgements, ``nDCG@10``. The same lies in ``ENGINE-TABLE.json``.

    Raises:
        DistillirError: The engine has not what is wanted, is not installed or does not answer, the run has no student,
            or the table was made from something else.

    Example:
        ```python
        import distillir

        told = distillir.index("runs/mine", to="lancedb", output="index")
        print(told["results"]["engine"]["recall@10"], told["results"]["engine"]["ms"]["p50"])
        ```
    """
    from distillir.collections import Collection
    from distillir.engines.index import IndexRequest, check_request, make_index
    from distillir.engines.source import source_of

    if settings is not None and not isinstance(settings, Mapping):
        raise DistillirError("is no mapping", where="settings", remedy='write {"ef": 200}')
    given = tuple(f"{key}={value}" for key, value in (settings or {}).items())
    folder = None if output is None else as_path(output)
    request = IndexRequest(to, precision, dimensions, hybrid, folder, address, table, queries, given, anew)
    check_request(request)
    named = collection if collection is None or isinstance(collection, Collection) else plain_values(collection)
    source = source_of(os.fspath(run), named, split, before=before, trust_remote_code=trust_remote_code)
    return make_index(source, request)
