"""An index in an engine: filled, asked and measured, in the order in which ``distillir index`` does it."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillir.base.arrays import Rows, evenly_spaced
from distillir.base.errors import DistillirError
from distillir.base.files import read_json, write_json
from distillir.base.folder_name import folder_name
from distillir.base.hashes import hash_of_json
from distillir.base.output_folder import make_output
from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.engines.ask import ask
from distillir.engines.encodings import IndexedEncodings
from distillir.engines.engine import Engine, EngineKind, IndexPlace, Layout
from distillir.engines.fill import check_table_record, fill, missing_rows
from distillir.engines.needed import check_address
from distillir.engines.registry import ENGINES, check_layout, engine_options
from distillir.engines.shorter import check_dimensions, tell_dimensions
from distillir.engines.source import IndexSource

#: Form of the tables: one of another form is filled anew.
FORM = 1
#: Queries that are asked, evenly spaced, where there are more.
ASKED = 1000
_TABLE = re.compile(r"[a-z_][a-z0-9_-]*")


@dataclass(frozen=True)
class IndexRequest:
    """A wish for an index.

    Attributes:
        engine: Name of the engine.
        precision: Of the numbers that are searched.
        dimensions: The first so many numbers of a vector; None: all.
        hybrid: Whether documents are found by their words too.
        output: Folder for the measures, and for the files of an embedded engine; None: ``index`` of the run.
        address: Of a server.
        table: Name of the table; None: the run's.
        queries: How many are asked at most.
        settings: Options of the engine, ``KEY=VALUE`` each.
        anew: Whether a table that was made from something else is deleted.
        batch: Documents added at a time; None: as suits the engine.
    """

    engine: str
    precision: str = "float32"
    dimensions: int | None = None
    hybrid: bool = False
    output: Path | None = None
    address: str | None = None
    table: str | None = None
    queries: int = ASKED
    settings: Sequence[str] = ()
    anew: bool = False
    batch: int | None = None


def check_request(request: IndexRequest) -> tuple[EngineKind, Any]:
    """The engine of a request and its options, before anything is opened.

    Raises:
        DistillirError: There is no such engine or option, the name of the table is none, or the address cannot be.
    """
    kind = ENGINES.get(request.engine, "--to")
    options = engine_options(kind, request.settings)
    if request.table is not None and (not _TABLE.fullmatch(request.table) or len(request.table) > 50):
        raise DistillirError(
            f"{request.table!r} is no name of a table",
            where="--table",
            remedy="write at most 50 of a-z, 0-9, _ and -, a letter first",
        )
    if request.address is not None:
        if not kind.server:
            raise DistillirError(
                f"{kind.name} is embedded and has no address", where="--address", remedy="choose a folder with --output"
            )
        check_address(request.address, kind.credentials)
    return kind, options


def make_index(source: IndexSource, request: IndexRequest) -> dict[str, Any]:
    """Fill an engine with the documents of a source, and ask it the source's queries; all processes together.

    Args:
        source: Documents and queries.
        request: What is wanted.

    Returns:
        What is written into ``ENGINE-TABLE.json`` in the output folder.

    Raises:
        DistillirError: The engine has not what is wanted, is not installed or does not answer, or its table was made
            from something else.
    """
    kind, options = check_request(request)
    check_layout(kind, source.encoding, request.precision, request.hybrid)
    check_dimensions(source, request.dimensions)
    output = request.output or source.folder
    if output is None:
        raise DistillirError("no folder is named", where="--output", remedy="name one for the index and its measures")
    table = request.table or table_name(source.name)
    queries = evenly_spaced(source.queries, request.queries)
    if not len(queries):
        raise DistillirError("there is no query to ask", where=f"collection {source.collection.name}")
    if not len(source.collection.corpus):
        raise DistillirError("has no document", where=f"collection {source.collection.name}")
    encodings = source.encode(queries, request.dimensions)
    tell_dimensions(source, request.dimensions)  # behind the refusal of more numbers than there are
    barrier()
    if rank() == 0:
        make_output(output)
        place = IndexPlace(output / folder_name(kind.name, "engine"), request.address, table)
        layout = Layout(
            source.encoding,
            encodings.width,
            encodings.similarity,
            request.precision,
            request.hybrid,
            len(source.collection.corpus),
        )
        engine = kind.open(options, place, layout)
        try:
            with engine.lock():
                _make(engine, kind, source, request, layout, encodings, queries, output)
        finally:
            engine.close()
    barrier()
    return read_json(result_file(output, kind.name, table), "delete it")


def _make(
    engine: Engine,
    kind: EngineKind,
    source: IndexSource,
    request: IndexRequest,
    layout: Layout,
    encodings: IndexedEncodings,
    queries: Rows,
    output: Path,
) -> None:
    from distillir.pipeline.evaluate import hardware

    record = {
        **source.made_from,
        "kind of vectors": f"{layout.encoding}, {layout.similarity}",
        "dimensions": layout.width,
        "precision": layout.precision,
        **({"search by words": layout.words} if kind.words_in_rows else {}),
        "form": FORM,
    }
    start = time.monotonic()
    if not check_table_record(engine, record, anew=request.anew):
        engine.create(record)
    added = fill(engine, kind.name, source.collection, encodings, request.batch or kind.batch)
    filled = time.monotonic()
    index = engine.finish()
    finished = time.monotonic()
    file = result_file(output, kind.name, request.table or table_name(source.name))
    wish = [list(request.settings), request.hybrid, index, queries.tolist(), _judgements(source), source.asked_by]
    asked = hash_of_json([record, wish, engine.version])
    before = read_json(file, "delete it") if file.is_file() else {}
    if not added and before.get("asked") == asked:
        say(f"{engine.place}: complete, and measured before: nothing to do")
        return
    told = ask(engine, source, encodings, queries, hybrid=request.hybrid)
    seconds = {"fill": round(filled - start, 1), "index": round(finished - filled, 1)}
    if not added and before.get("record") == record:
        seconds = before["seconds"]
    documents = layout.documents - len(missing_rows(engine, layout.documents))
    write_json(
        file,
        {
            "engine": kind.name,
            "version": engine.version,
            "place": engine.place,
            "table": request.table or table_name(source.name),
            "index": index,
            "model": source.model,
            "collection": source.collection.name,
            "documents": documents,
            "queries": len(queries),
            "similarity": layout.similarity,
            "results": told,
            "seconds": seconds,
            "hardware": hardware(),
            "record": record,
            "asked": asked,
        },
    )


def _judgements(source: IndexSource) -> str:
    from distillir.base.hashes import hash_of_arrays

    qrels = source.qrels
    return "" if qrels is None else hash_of_arrays(qrels.queries, qrels.documents, qrels.grades)


def result_file(output: Path, engine: str, table: str) -> Path:
    """The file of an index's measures."""
    return output / f"{folder_name(engine, 'engine')}-{table}.json"


def table_name(name: str) -> str:
    """A name for a table: that of a run in lower case, without odd characters."""
    plain = re.sub(r"[^a-z0-9_]+", "_", folder_name(name, "documents").lower()).strip("_")[:50]
    return plain if _TABLE.fullmatch(plain) else f"t_{plain}"[:50]
