"""Scored pairs from a tab-separated file as arrays: tens of millions of lines in little memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.files import read_lines
from distillir.collections import Collection, TextTable
from distillir.teaching.formats.lists import Unknown
from distillir.teaching.formats.values import read_score

NAMES = ["positive_score", "negative_score", "query", "positive", "negative"]
BLOCK = 16 << 20  # bytes read at once


@dataclass(frozen=True)
class PairColumns:
    """One entry for each line: rows of the collection, float32 scores, line numbers."""

    lines: Rows
    queries: Rows
    positives: Rows
    negatives: Rows
    positive_scores: Scores
    negative_scores: Scores


def read_pairs(file: Path, collection: Collection, unknown: Unknown) -> PairColumns:
    """Read the pairs of a file (gzipped by its suffix); those with unknown ids are left out or refused.

    Raises:
        DistillirError: A line is malformed, or an id is unknown; the message names the line.
    """
    if not file.is_file():
        raise DistillirError("no such file", where=file, remedy="check the path")
    blocks: list[PairColumns] = []
    done = 0
    try:
        for batch in _open(file):
            blocks.append(_to_rows(batch, done, file, collection, unknown))
            done += len(batch)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        _name_line(file)
        raise DistillirError(f"cannot be read ({error})", where=file) from None
    if not blocks:
        raise DistillirError("is empty", where=file)
    names = PairColumns.__dataclass_fields__
    return PairColumns(**{name: np.concatenate([getattr(block, name) for block in blocks]) for name in names})


def _open(file: Path) -> pa.csv.CSVStreamingReader:
    types = dict(zip(NAMES, [pa.float32(), pa.float32(), pa.string(), pa.string(), pa.string()], strict=True))
    return pa.csv.open_csv(
        pa.input_stream(str(file), compression="detect"),
        read_options=pa.csv.ReadOptions(column_names=NAMES, block_size=BLOCK),
        parse_options=pa.csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=False),
        convert_options=pa.csv.ConvertOptions(column_types=types, strings_can_be_null=False, null_values=[]),
    )


def _to_rows(batch: pa.RecordBatch, done: int, file: Path, collection: Collection, unknown: Unknown) -> PairColumns:
    scores = [batch.column(name).to_numpy() for name in NAMES[:2]]
    wrong = np.flatnonzero(~(np.isfinite(scores[0]) & np.isfinite(scores[1])))
    if len(wrong):
        value = next(float(column[wrong[0]]) for column in scores if not np.isfinite(column[wrong[0]]))
        read_score(value, f"{file}:{done + wrong[0] + 1}")
    rows = [
        _rows(batch.column(name), table)
        for name, table in zip(NAMES[2:], (collection.queries, collection.corpus, collection.corpus), strict=True)
    ]
    known = (rows[0] >= 0) & (rows[1] >= 0) & (rows[2] >= 0)
    for place in np.flatnonzero(~known):
        column = next(i for i in range(3) if rows[i][place] < 0)
        identifier = batch.column(NAMES[2 + column])[int(place)].as_py()
        unknown.met("document" if column else "query", identifier, f"{file}:{done + place + 1}")
    return PairColumns(
        lines=(np.flatnonzero(known) + done + 1).astype(np.int64),
        queries=rows[0][known],
        positives=rows[1][known],
        negatives=rows[2][known],
        positive_scores=scores[0][known],
        negative_scores=scores[1][known],
    )


def _rows(ids: pa.Array, table: TextTable) -> Rows:
    """Rows of a column of ids; each distinct id is looked up once."""
    coded = ids.dictionary_encode()
    rows: Rows = table.rows(coded.dictionary.to_pylist())[coded.indices.to_numpy()]
    return rows


def _name_line(file: Path) -> None:
    """Read a file that Arrow refused once more, line by line, and name the first line that is wrong."""
    for number, line in read_lines(file):
        cells = line.split("\t")
        where = f"{file}:{number}"
        if len(cells) != len(NAMES):
            raise DistillirError(
                f"{len(cells)} tab-separated columns",
                where=where,
                remedy="expected positive score, negative score, query id, positive id, negative id",
            )
        for cell in cells[:2]:
            try:
                float(cell)
            except ValueError:
                raise DistillirError(
                    f"{cell!r} is no number",
                    where=where,
                    remedy="expected two scores, then ids; take a header line out",
                ) from None
