"""TREC run files of the plain form, read in columns by Arrow: a block at a time, ids looked up once a block."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from distillir.base.arrays import Rows, Scores
from distillir.base.compressed import open_binary
from distillir.collections.table import TextTable
from distillir.retrieval.trec_lines import has_plain_bytes

_BLOCK = 1 << 24
_COLUMNS = ["query", "q0", "document", "rank", "score", "name"]
_WORDS = pa.dictionary(pa.int32(), pa.string())
_TYPES = {name: pa.float64() if name == "score" else _WORDS for name in _COLUMNS}


class PlainColumns(NamedTuple):
    """The columns of a file, in its order.

    Attributes:
        query: Query rows [N], int32 where the table is not larger.
        document: Document rows [N].
        score: [N] float32.
        name: The last column of the first line, as it stands; None where there is no line.
    """

    query: npt.NDArray[np.signedinteger[Any]]
    document: Rows
    score: Scores
    name: str | None


def read_plain(path: Path, queries: TextTable, documents: TextTable) -> PlainColumns | None:
    """Read a file whose columns are parted by one space each, all of whose ids are known and whose scores are finite.

    Args:
        path: The file, compressed or not.
        queries: Know the ids of queries.
        documents: Know the ids of documents.

    Returns:
        Its columns, or None where a line is of another form: it is to be read line by line, which takes other forms
        and names what is wrong.
    """
    # Narrow, as long as they are in pieces and whole side by side.
    narrow = [np.int32 if len(table) < 1 << 31 else np.int64 for table in (queries, documents)]
    parts: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    name: str | None = None
    try:
        with open_binary(path) as stream:
            for block in _blocks(stream):
                # Tabs part columns, too, and a carriage return is the end of a line to Arrow alone.
                if b"\t" in block or b"\r" in block or b"\0" in block:
                    return None
                table = csv.read_csv(
                    pa.BufferReader(block),
                    read_options=csv.ReadOptions(use_threads=False, column_names=_COLUMNS, block_size=2 * _BLOCK),
                    parse_options=csv.ParseOptions(delimiter=" ", quote_char=False, escape_char=False),
                    convert_options=csv.ConvertOptions(column_types=_TYPES, null_values=[], strings_can_be_null=False),
                )
                words = {column: table.column(column).unify_dictionaries() for column in _COLUMNS if column != "score"}
                if not all(_are_words(column) for column in words.values()):
                    return None
                with np.errstate(over="ignore"):
                    scores = table.column("score").to_numpy().astype(np.float32)
                found = [_rows(words["query"], queries), _rows(words["document"], documents)]
                if not np.isfinite(scores).all() or any((rows < 0).any() for rows in found):
                    return None
                if name is None and table.num_rows:
                    name = table.column("name")[0].as_py()
                for column, values in zip(parts, (*map(np.ndarray.astype, found, narrow), scores), strict=True):
                    column.append(values)
    except Exception:  # whatever it is: reading line by line finds it, and says where
        return None
    query, document, score = parts
    return PlainColumns(_whole(query, narrow[0]), _whole(document, np.int64), _whole(score, np.float32), name)


def _whole(parts: list[Any], dtype: type[np.generic]) -> Any:
    """One array of a column's parts, which are given up."""
    found = np.concatenate([np.empty(0, dtype), *parts], dtype=dtype)
    parts.clear()
    return found


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Whole lines, about `_BLOCK` bytes at a time."""
    rest = b""
    while data := stream.read(_BLOCK):
        end = data.rfind(b"\n") + 1
        if not end:
            rest += data
            if len(rest) > _BLOCK:
                raise ValueError("a line that long is no line of a run")
            continue
        yield rest + data[:end]
        rest = data[end:]
    if rest:
        yield rest


def _words_of(column: pa.ChunkedArray) -> pa.StringArray:
    """The distinct fields of a column."""
    return column.chunk(0).dictionary if column.num_chunks else pa.array([], type=pa.string())


def _are_words(column: pa.ChunkedArray) -> bool:
    """Tell whether no field is empty or holds white space, of whichever script."""
    words = _words_of(column)
    if has_plain_bytes(words):
        return not len(words) or pc.min(pc.binary_length(words)).as_py() > 0
    return all(field.split() == [field] for field in words.to_pylist())


def _rows(column: pa.ChunkedArray, table: TextTable) -> Rows:
    """Rows [N] of a column of ids; -1 where one is unknown."""
    words = _words_of(column)
    fields: list[str] = words.to_pylist()
    coded = not has_plain_bytes(words, b"%")
    rows = table.rows([unquote(field) if "%" in field else field for field in fields] if coded else fields)
    for place in np.flatnonzero(rows < 0).tolist():
        if "%" in fields[place]:
            rows[place] = table.row(fields[place])
    places: Any = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks] or [np.empty(0, np.int32)])
    found: Rows = rows[places]
    return found
