"""Lines of a TREC run file, made in columns by Arrow: a block of queries at a time, no line by itself."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection, TextTable
from distillir.collections.run import Run
from distillir.collections.trec_ids import encode_id

#: Lines of a block, about: memory holds some hundred bytes a line.
LINES = 1 << 17
# Between these numpy writes a float32 as Arrow does, but for the ".0" of whole numbers.
_LEAST, _BELOW = 2e-4, 1e6


def trec_lines(run: Run, collection: Collection) -> Iterator[memoryview]:
    """Yield the lines of a run as bytes, whole lists at a time; its scores must be finite.

    Args:
        run: The rankings.
        collection: Gives the ids of the run's rows.
    """
    # What ends a line: the run's name.
    name = f"{encode_id(run.name) or 'distillir'}\n"
    first = 0
    while first < len(run):
        last = int(np.searchsorted(run.offsets, run.offsets[first] + LINES, side="right")) - 1
        last = min(max(last, first + 1), len(run))
        part = slice(int(run.offsets[first]), int(run.offsets[last]))
        sizes = np.diff(run.offsets[first : last + 1])
        owners = np.repeat(np.arange(last - first), sizes)
        ranks = np.arange(part.start, part.stop) - np.repeat(run.offsets[first:last], sizes) + 1
        distinct, places = np.unique(run.documents[part], return_inverse=True)
        lines = pc.binary_join_element_wise(
            _ids(collection.queries, run.queries[first:last]).take(pa.array(owners)),
            "Q0",
            _ids(collection.corpus, distinct).take(pa.array(places)),
            pa.array(ranks).cast(pa.string()),
            score_column(run.scores[part]),
            name,
            " ",
        )
        if len(lines):
            _, ends, written = lines.buffers()
            yield memoryview(written)[: int(np.frombuffer(ends, dtype=np.int32)[len(lines)])]
        first = last


def score_column(scores: Scores) -> pa.StringArray:
    """Scores as ``str`` writes each: the shortest decimal that reads back as the same float32."""
    size = np.abs(scores)
    common = (size >= _LEAST) & (size < _BELOW)
    texts = pa.array(scores).cast(pa.string())
    whole = common & (scores == np.floor(scores))
    if whole.any():
        texts = pc.if_else(pa.array(whole), pc.binary_join_element_wise(texts, ".0", ""), texts)
    if not common.all():
        others = pa.array([str(score) for score in scores[~common]], type=pa.string())
        texts = pc.replace_with_mask(texts, pa.array(~common), others)
    return texts


def _ids(table: TextTable, rows: Rows) -> pa.StringArray:
    """Ids of rows as they stand in TREC files."""
    found = table.id_column(rows)
    return (
        found
        if has_plain_bytes(found, b"%")
        else pa.array([encode_id(one) for one in found.to_pylist()], type=pa.string())
    )


def has_plain_bytes(column: pa.StringArray, but: bytes = b"") -> bool:
    """Tell whether a column has no character that is white space, none beyond ASCII, and none of some others."""
    _, ends, written = column.buffers()
    if not len(column) or written is None:
        return True
    offsets = np.frombuffer(ends, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    found = np.bincount(np.frombuffer(written, dtype=np.uint8)[offsets[0] : offsets[-1]], minlength=256)
    return not (found[:33].any() or found[127:].any() or found[list(but)].any())
