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
from distillir.collections.run import Run, from_lists
from distillir.collections.trec_ids import decode_id, encode_id
from distillir.retrieval.trec_blocks import read_plain

# Ids found lately are remembered, so that a long file does not look up its popular documents again and again.
_REMEMBERED_IDS = 1 << 18
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
    name = encode_id(run.name) or "distillir"
    with atomic_file(path) as temporary, temporary.open("wb") as raw:
        # A fixed time stamp: the same run gives the same bytes.
        packed = gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) if path.suffix == ".gz" else None
        stream = cast(IO[bytes], packed or raw)
        for index in range(len(run)):
            documents, scores = run.of(index)
            query = encode_id(collection.queries.id(int(run.queries[index])))
            if not np.isfinite(scores).all():
                raise DistillirError(f"a score of query {query!r} is not finite", where=path, remedy="check the model")
            ids = [encode_id(identifier) for identifier in collection.corpus.ids(documents)]
            lines = (
                f"{query} Q0 {document} {rank} {score!s} {name}\n"
                for rank, (document, score) in enumerate(zip(ids, scores, strict=True), start=1)
            )
            stream.write("".join(lines).encode())
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
        run = _grouped(plain.query, plain.document, plain.score, name)
        if run is not None:
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


def _grouped(query: Rows, document: Rows, score: Scores, name: str) -> Run | None:
    """The run of columns; None where a document stands twice for a query."""
    order = np.lexsort((document, query))
    if ((np.diff(query[order]) == 0) & (np.diff(document[order]) == 0)).any():
        return None
    return _by_query(query, document, score, name)


def _by_query(query: Rows, document: Rows, score: Scores, name: str) -> Run:
    distinct, first, inverse = np.unique(query, return_index=True, return_inverse=True)
    by_query = np.argsort(inverse, kind="stable")
    parts = np.split(by_query, np.cumsum(np.bincount(inverse, minlength=len(distinct)))[:-1]) if len(query) else []
    appearance = np.argsort(first)
    return from_lists(
        distinct[appearance], [document[parts[i]] for i in appearance], [score[parts[i]] for i in appearance], name
    )
