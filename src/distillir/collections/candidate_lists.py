"""Candidate lists in MS MARCO's own forms: top-1000 files, rank files, and triples."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import read_lines
from distillir.collections.collection import Collection
from distillir.collections.key_names import JUDGED_DOCUMENTS, JUDGED_QUERIES, plain_key
from distillir.collections.run import Run

CHUNK = 100_000
#: Names of the second column under a header: a document's, or that of a positive.
HEADED = (*JUDGED_DOCUMENTS, "positive", "positiveid", "pospid", "posid")


def read_top1000(path: Path, collection: Collection) -> Run:
    """Read a top-1000 file as a run.

    Two forms, tab-separated, plain or gzipped: ``qid, pid, query, passage`` (``top1000.dev``; ranked as in the file,
    which MS MARCO's own are not) and ``qid, pid, rank`` (what MS MARCO's evaluation takes). Neither has scores: a
    document's score is 1 / rank. A document that stands twice for a query counts once.

    Args:
        path: The file.
        collection: Knows the ids; the texts in the file are not looked at.

    Returns:
        The run, queries in the order of the collection.

    Raises:
        DistillirError: Another number of columns, a rank that is no integer, or an unknown id; with file and line.
    """
    query, document, rank = _columns(path, collection, "qid, pid, query and passage, or qid, pid and rank", (3, 4))
    order = np.lexsort((rank, query))
    query, document = _distinct(query[order], document[order], len(collection.corpus))
    starts = np.unique(query, return_index=True)[1]
    position = np.arange(len(query)) - np.repeat(starts, np.diff(np.append(starts, len(query))))
    return _run(query, document, (1 / (1 + position)).astype(np.float32), Path(path).name)


def read_triples(path: Path, collection: Collection) -> Run:
    """Read triples of ids as lists: per query its positives (score 1), then its negatives (score 0).

    Lines are ``qid, positive pid, negative pid``, tab-separated, plain or gzipped (``qidpidtriples.train.full``). Each
    document counts once for a query, in the order of the file; one that is positive somewhere is positive. 40 million
    triples need about 3 GB while they are read.

    Args:
        path: The file.
        collection: Knows the ids.

    Returns:
        The lists, queries in the order of the collection.

    Raises:
        DistillirError: Not three columns, or an unknown id; with file and line.
    """
    expected = "qid, positive pid and negative pid (the form with ids, qidpidtriples; not the one with texts)"
    query, positive, negative = _columns(path, collection, expected, (3,), third_is_document=True)
    size = len(collection.corpus)
    positives, negatives = _distinct(query, positive, size), _distinct(query, negative, size)
    real = ~np.isin(negatives[0] * size + negatives[1], positives[0] * size + positives[1])
    queries = np.concatenate([positives[0], negatives[0][real]])
    documents = np.concatenate([positives[1], negatives[1][real]])
    scores = np.repeat(np.array([1, 0], dtype=np.float32), [len(positives[0]), int(real.sum())])
    order = np.argsort(queries, kind="stable")
    return _run(queries[order], documents[order], scores[order], Path(path).name)


def _columns(
    path: Path, collection: Collection, expected: str, widths: tuple[int, ...], third_is_document: bool = False
) -> tuple[Rows, Rows, Rows]:
    """Read query rows, document rows, and the third column: document rows too, or ranks (line numbers in 4 columns)."""
    parts: list[tuple[Rows, Rows, Rows]] = [(np.empty(0, dtype=np.int64),) * 3]
    stream = _cells(Path(path), expected, widths)
    while chunk := list(islice(stream, CHUNK)):
        lines = [line for line, _ in chunk]
        query = _rows_of(collection, "query", [cells[0] for _, cells in chunk], path, lines)
        document = _rows_of(collection, "document", [cells[1] for _, cells in chunk], path, lines)
        if third_is_document:
            third = _rows_of(collection, "document", [cells[2] for _, cells in chunk], path, lines)
        else:
            third = np.array([_rank(cells, f"{path}:{line}", line) for line, cells in chunk], dtype=np.int64)
        parts.append((query, document, third))
    query, document, third = (np.concatenate(column) for column in zip(*parts, strict=True))
    return query, document, third


def _cells(path: Path, expected: str, widths: tuple[int, ...]) -> Iterator[tuple[int, list[str]]]:
    width = 0  # that of the first line, which the others must have
    for number, line in read_lines(path):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) not in widths or (width and len(cells) != width):
            like = f" where the first line has {width}" if width else ""
            raise DistillirError(
                f"{len(cells)} tab-separated columns{like}", where=f"{path}:{number}", remedy=f"expected {expected}"
            )
        is_header = not width and plain_key(cells[0]) in JUDGED_QUERIES and plain_key(cells[1]) in HEADED
        width = len(cells)
        if not is_header:
            yield number, cells[:3] if width == 3 else cells[:2]


def _rank(cells: list[str], where: str, line: int) -> int:
    if len(cells) == 2:
        return line
    try:
        return int(cells[2])
    except ValueError:
        raise DistillirError(
            f"rank {cells[2]!r} is no integer", where=where, remedy="expected qid, pid and rank"
        ) from None


def _rows_of(collection: Collection, kind: str, ids: list[str], path: Path, lines: list[int]) -> Rows:
    table = collection.queries if kind == "query" else collection.corpus
    rows = table.rows(ids)
    for place in np.flatnonzero(rows < 0)[:1].tolist():
        raise DistillirError(
            f"unknown {kind} id {ids[place][:80]!r}",
            where=f"{path}:{lines[place]}",
            remedy=f"the file must hold ids of collection {collection.name}",
        )
    return rows


def _distinct(query: Rows, document: Rows, size: int) -> tuple[Rows, Rows]:
    """Pairs without repeats, by query and then in the order of first appearance."""
    keys, first = np.unique(query * size + document, return_index=True)
    keys = keys[np.lexsort((first, keys // size))]
    return keys // size, keys % size


def _run(query: Rows, document: Rows, scores: npt.NDArray[np.float32], name: str) -> Run:
    """Make a run of columns that are sorted by query and, within a query, by score."""
    queries, starts = np.unique(query, return_index=True)
    return Run(queries, np.append(starts, len(query)).astype(np.int64), document, scores, name)
