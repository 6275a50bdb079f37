"""Importing judgements: ids to rows, chunk by chunk, with every mistake named by file and line."""

from collections.abc import Sequence, Set
from itertools import islice
from pathlib import Path

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.collections.collection import QRELS_DTYPE
from distillir.collections.source import Judgement, QrelsPart
from distillir.collections.table import TextTable
from distillir.collections.table_form import id_hash
from distillir.collections.trec_ids import decode_id

CHUNK = 100_000
LINED_DTYPE = np.dtype([*QRELS_DTYPE.descr, ("line", np.int64), ("subtopic", np.uint64)])


def write_qrels(
    parts: Sequence[QrelsPart],
    folder: Path,
    *,
    queries: TextTable,
    corpus: TextTable,
    skipped: tuple[Set[str], Set[str]],
    skip_unknown: bool,
    also: Sequence[str],
) -> dict[str, int]:
    """Write ``<split>.npy`` for each part.

    Args:
        parts: The judgements of each split.
        folder: Created here.
        queries: The imported queries.
        corpus: The imported corpus.
        skipped: Ids of the queries and of the documents that the import left out; their judgements go with them.
        skip_unknown: Leave out judgements of texts that are not there, instead of refusing them.
        also: Splits that exist without judgements (their queries are known).

    Returns:
        Number of judgements by split.

    Raises:
        DistillirError: A judgement names an unknown text, or one pair has two grades.
    """
    folder.mkdir()
    counts: dict[str, int] = {}
    for split in also:
        counts[split] = 0
        np.save(folder / f"{split}.npy", np.empty(0, dtype=QRELS_DTYPE))
    for part in parts:
        chunks, unknown, queried = [np.empty(0, dtype=LINED_DTYPE)], 0, 0
        stream = part.read()
        while chunk := list(islice(stream, CHUNK)):
            rows, missing, known_queries = _to_rows(chunk, part, queries, corpus, skipped, skip_unknown)
            chunks.append(rows)
            unknown += missing
            queried += known_queries
        if unknown and not queried:
            raise DistillirError(
                f"the collection has no query of the {unknown:,} judgements",
                where=part.place,
                remedy=_numbered(queries)
                or "correct the ids of queries or judgements, or leave this split out (splits)",
            )
        if unknown:
            say(f"left out {unknown:,} judgements of unknown texts (unknown: skip; {part.place})")
        for note in part.notes():
            say(note)
        judged = _distinct(np.concatenate(chunks), part, queries, corpus)
        np.save(folder / f"{part.split}.npy", judged)
        counts[part.split] = len(judged)
    return counts


def _to_rows(
    chunk: Sequence[Judgement],
    part: QrelsPart,
    queries: TextTable,
    corpus: TextTable,
    skipped: tuple[Set[str], Set[str]],
    skip_unknown: bool,
) -> tuple[np.ndarray, int, int]:
    """The judgements of known texts, the number of others, and of how many the query is known (or was left out)."""
    rows = np.empty(len(chunk), dtype=LINED_DTYPE)
    rows["query"] = _find(queries, [judgement.query for judgement in chunk], chunk)
    rows["document"] = _find(corpus, [judgement.document for judgement in chunk], chunk)
    rows["grade"] = [judgement.grade for judgement in chunk]
    rows["line"] = [judgement.line for judgement in chunk]
    rows["subtopic"] = [id_hash(judgement.subtopic) if judgement.subtopic else 0 for judgement in chunk]
    known = (rows["query"] >= 0) & (rows["document"] >= 0)
    unknown = 0
    for place in np.flatnonzero(~known).tolist():
        judgement = chunk[place]
        if judgement.query in skipped[0] or judgement.document in skipped[1]:
            continue
        unknown += 1
        if not skip_unknown:
            lacks_query = rows["query"][place] < 0
            kind, identifier = ("query", judgement.query) if lacks_query else ("document", judgement.document)
            remedy = "correct the id, or write collection: {path: ..., unknown: skip} to leave such judgements out"
            if lacks_query and (numbered := _numbered(queries)):
                remedy = f"{numbered}; or {remedy}"
            if queries.row(judgement.document) >= 0 and corpus.row(judgement.query) >= 0:
                remedy = "the columns are swapped: the query comes first, or a header names them query-id and corpus-id"
            raise DistillirError(
                f"a judgement for {kind} {identifier!r}, which the collection does not have",
                where=f"{part.place}:{judgement.line}",
                remedy=remedy,
            )
    left_out = sum(judgement.query in skipped[0] for judgement in chunk) if skipped[0] else 0
    return rows[known], unknown, int((rows["query"] >= 0).sum()) + left_out


def _numbered(queries: TextTable) -> str:
    """A hint for queries whose ids are their numbers, from 0 or 1 on; empty where they have ids of their own."""
    count = len(queries)
    first, last = (queries.id(0), queries.id(count - 1)) if count else ("", "")
    if first not in ("0", "1") or last != str(count - 1 + int(first)):
        return ""
    return f"the queries are numbered {first} to {last}: give them the ids that the judgements name, under id"


def _find(table: TextTable, identifiers: list[str], chunk: Sequence[Judgement]) -> Rows:
    """Rows of ids, -1 where unknown; in TREC files first as `decode_id` reads them, then as they stand."""
    decoded = [decode_id(i) if "%" in i and j.encoded else i for i, j in zip(identifiers, chunk, strict=True)]
    rows = table.rows(decoded)
    for place in np.flatnonzero(rows < 0).tolist():
        if decoded[place] != identifiers[place]:
            rows[place] = table.row(identifiers[place])
    return rows


def _distinct(rows: np.ndarray, part: QrelsPart, queries: TextTable, corpus: TextTable) -> np.ndarray:
    """Sorted by query and document, one judgement a pair.

    A repeated judgement counts once. Of judgements by subtopic (those of one pair differ in TREC's second column, as in
    the diversity tasks of the Web tracks) the best grade counts. Both are told, with their numbers.

    Raises:
        DistillirError: The same pair, under the same subtopic, has two grades.
    """
    rows = rows[np.lexsort((rows["line"], rows["subtopic"], rows["document"], rows["query"]))]
    same = (rows["query"][1:] == rows["query"][:-1]) & (rows["document"][1:] == rows["document"][:-1])
    repeated = same & (rows["subtopic"][1:] == rows["subtopic"][:-1])
    for place in np.flatnonzero(repeated & (rows["grade"][1:] != rows["grade"][:-1]))[:1]:
        before, after = sorted(rows[place : place + 2], key=lambda row: int(row["line"]))
        raise DistillirError(
            f"query {queries.id(after['query'])!r} and document {corpus.id(after['document'])!r} have grade "
            f"{after['grade']} here and {before['grade']} at line {before['line']}",
            where=f"{part.place}:{after['line']}",
            remedy="keep one of the two",
        )
    if repeated.any():
        say(f"{int(repeated.sum()):,} judgements repeat an earlier one and count once ({part.place})")
    starts = np.flatnonzero(np.concatenate([[True], ~same])) if len(rows) else np.empty(0, dtype=np.int64)
    kept = rows[starts]
    if len(kept) < len(rows) - int(repeated.sum()):
        best = np.maximum.reduceat(rows["grade"], starts)
        worst = np.minimum.reduceat(rows["grade"], starts)
        kept["grade"] = best
        several = np.diff(np.append(starts, len(rows))) > 1
        say(
            f"judgements by subtopic (the second column; {part.place}): {int(several.sum()):,} pairs of query and "
            f"document are judged more than once and count once, with the best grade; in "
            f"{int((best != worst).sum()):,} of them the grades differ"
        )
    result = np.empty(len(kept), dtype=QRELS_DTYPE)
    for name in QRELS_DTYPE.names or ():
        result[name] = kept[name]
    return result
