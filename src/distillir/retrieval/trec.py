"""TREC run files: one line a document, ``query Q0 document rank score name``."""

import gzip
import math
from array import array
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

import numpy as np

from distillir.base.arrays import Rows, Scores, as_scores
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file, read_lines
from distillir.collections import Collection, TextTable
from distillir.collections.run import Run
from distillir.collections.trec_ids import decode_id, encode_id
from distillir.retrieval.trec_blocks import PlainColumns, read_plain
from distillir.retrieval.trec_lines import trec_lines

# Ids found lately are remembered, so that a long file does not look up its popular documents again and again.
_REMEMBERED_IDS = 1 << 18
# Lines whose documents are compared at a time.
_SORTED_AT_ONCE = 1 << 20
#: Scores are float32 once they are read.
_LARGEST = float(np.finfo(np.float32).max)


def write_run(run: Run, collection: Collection, path: Path) -> None:
    """Write a run as a TREC file, gzipped where the name ends in ``.gz``; it appears whole or not at all.

    Columns are parted by one space; ranks start at 1; a score is the shortest decimal that reads back as the same
    float32, so that the order survives. Ids are written by `encode_id`. Queries with an empty list leave no line.

    Args:
        run: The rankings.
        collection: Gives the ids of the run's rows.
        path: The file to write.

    Raises:
        DistillirError: A score is not finite.
    """
    wrong = np.flatnonzero(~np.isfinite(run.scores))
    if len(wrong):
        owner = int(np.searchsorted(run.offsets, wrong[0], side="right")) - 1
        query = encode_id(collection.queries.id(int(run.queries[owner])))
        raise DistillirError(f"a score of query {query!r} is not finite", where=path, remedy="check the model")
    with atomic_file(path) as temporary, temporary.open("wb") as raw:
        # A fixed time stamp: the same run gives the same bytes.
        packed = gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) if path.suffix == ".gz" else None
        stream = cast(IO[bytes], packed or raw)
        for lines in trec_lines(run, collection):
            stream.write(lines)
        if packed:
            packed.close()


def read_run(path: Path, collection: Collection) -> Run:
    """Read a TREC run file (``.gz`` too); order within a query is by score, ties as in the file.

    Queries keep the order in which they first appear. A field is first read by `decode_id`; where that names nothing,
    as it stands, so that files from tools that do not encode work.

    Args:
        path: The file.
        collection: Knows the ids.

    Returns:
        The run, named by the last column of the first line.

    Raises:
        DistillirError: Not six columns, an unknown id, a score that is no finite number, or a document that stands
            twice for a query; the message names file and line.
    """
    path = Path(path)
    if path.is_file() and (plain := read_plain(path, collection.queries, collection.corpus)) is not None:
        name = "distillir" if plain.name is None else decode_id(plain.name)
        if (run := _grouped(plain, name)) is not None:
            return run
    find_query, find_document = _finder(collection.queries), _finder(collection.corpus)
    queries, documents, scores, lines = array("q"), array("q"), array("f"), array("q")
    name = "distillir"
    for number, line in read_lines(path):
        fields = line.split()
        if not fields:
            continue
        where = f"{path}:{number}"
        if len(fields) != 6:
            raise DistillirError(
                f"{len(fields)} columns where 6 are expected",
                where=where,
                remedy="a TREC run has lines of: query Q0 document rank score name",
            )
        if not lines:
            name = decode_id(fields[5])
        query, document = find_query(fields[0]), find_document(fields[2])
        if query < 0 or document < 0:
            kind, field = ("query", fields[0]) if query < 0 else ("document", fields[2])
            remedy = f"the run must be of collection {collection.name}"
            raise DistillirError(f"unknown {kind} id {field!r}", where=where, remedy=remedy)
        queries.append(query)
        documents.append(document)
        scores.append(_score(fields[4], where))
        lines.append(number)
    return _group(path, collection, queries, documents, scores, lines, name)


def _finder(table: TextTable) -> Callable[[str], int]:
    @lru_cache(maxsize=_REMEMBERED_IDS)
    def find(field: str) -> int:
        row = table.row(decode_id(field))
        return row if row >= 0 or "%" not in field else table.row(field)

    return find


def _score(field: str, where: str) -> float:
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not abs(value) <= _LARGEST:
        raise DistillirError(f"score {field!r} is no finite number", where=where, remedy="scores stand in column 5")
    return value


def _group(
    path: Path,
    collection: Collection,
    queries: "array[int]",
    documents: "array[int]",
    scores: "array[float]",
    lines: "array[int]",
    name: str,
) -> Run:
    """Sort the columns of a file into a run, refusing a document that stands twice for a query."""
    query: Rows = np.array(queries, dtype=np.int64)
    document: Rows = np.array(documents, dtype=np.int64)
    score = as_scores(scores)
    order = np.lexsort((document, query))
    twice = np.flatnonzero((np.diff(query[order]) == 0) & (np.diff(document[order]) == 0))
    if len(twice):
        line, place = min((lines[int(order[t + 1])], int(order[t])) for t in twice)
        raise DistillirError(
            f"document {collection.corpus.id(int(document[place]))!r} stands twice for query "
            f"{collection.queries.id(int(query[place]))!r} (first on line {lines[place]})",
            where=f"{path}:{line}",
            remedy="keep one of the two lines",
        )
    return _by_query(query, document, score, name)


def _grouped(columns: PlainColumns, name: str) -> Run | None:
    """The run of a file's columns; None where a document stands twice for a query."""
    starts = np.flatnonzero(np.diff(columns.query, prepend=-1))
    queries: Rows = columns.query[starts].astype(np.int64)
    if len(np.unique(queries)) < len(queries):  # lists in pieces
        run = _by_query(columns.query.astype(np.int64), columns.document, columns.score, name)
        return None if _stands_twice(run) else run
    run = Run(queries, np.append(starts, len(columns.query)), columns.document, columns.score, name)
    rises = np.diff(run.scores) > 0
    rises[starts[1:] - 1] = False
    if _stands_twice(run):
        return None
    return _by_query(columns.query.astype(np.int64), run.documents, run.scores, name) if rises.any() else run


def _stands_twice(run: Run) -> bool:
    """Tell whether a document stands twice in a list; some lists at a time."""
    first = 0
    while first < len(run):
        last = int(np.searchsorted(run.offsets, run.offsets[first] + _SORTED_AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), len(run))
        owners = np.repeat(np.arange(last - first), np.diff(run.offsets[first : last + 1]))
        keys = np.sort(owners << 40 | run.documents[run.offsets[first] : run.offsets[last]])
        if (keys[1:] == keys[:-1]).any():
            return True
        first = last
    return False


def _by_query(query: Rows, document: Rows, score: Scores, name: str) -> Run:
    """Lists of lines in any order: queries as they first appear, by score within a query, ties as in the file."""
    distinct, first, inverse = np.unique(query, return_index=True, return_inverse=True)
    appearance = np.argsort(first)
    place = np.empty_like(appearance)
    place[appearance] = np.arange(len(appearance))
    order = np.lexsort((-score, place[inverse]))
    sizes = np.bincount(inverse, minlength=len(distinct))[appearance]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)]).astype(np.int64)
    return Run(distinct[appearance], offsets, document[order], score[order], name)
