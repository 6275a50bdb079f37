"""The form of a file by its name: a table, JSON, Parquet or Arrow; other files are refused."""

from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from distillir.base.compressed import COMPRESSIONS, plain_name
from distillir.base.errors import DistillirError
from distillir.collections.arrow_records import read_arrow_records
from distillir.collections.json_records import read_json_records


class FileForm(Enum):
    """The form in which a file holds its entries: rows of cells, or objects with keys."""

    TABLE = "table"
    JSON = "json"
    ARROW = "arrow"


SUFFIXES = {
    ".jsonl": FileForm.JSON,
    ".json": FileForm.JSON,
    ".ndjson": FileForm.JSON,
    ".tsv": FileForm.TABLE,
    ".csv": FileForm.TABLE,
    ".txt": FileForm.TABLE,
    ".parquet": FileForm.ARROW,
    ".arrow": FileForm.ARROW,
}
#: Endings that judgements have besides.
JUDGEMENT_SUFFIXES = {".trec": FileForm.TABLE, ".qrels": FileForm.TABLE, ".qrel": FileForm.TABLE}
_REFUSED = {
    (".xlsx", ".xls", ".ods"): ("is a spreadsheet", "save it as CSV (UTF-8)"),
    (".xml", ".sgml", ".sgm", ".topics"): ("is XML or SGML, which is not read", "write lines of id, tab, text"),
    (".pkl", ".pickle"): ("is a pickle, which is not opened: it could run code", "write .jsonl"),
    (".db", ".sqlite", ".sqlite3", ".duckdb"): ("is a database", "export the table as CSV"),
    (".tar", ".tgz", ".7z", ".rar", ".lz4"): ("is an archive, which is not opened", "unpack it"),
    (".avro", ".feather", ".orc", ".h5", ".npy", ".npz"): ("is of a form that is not read", "write .jsonl or .parquet"),
}

Records = Callable[[], Iterator[tuple[int, dict[str, Any]]]]


def is_readable(path: Path, *, judgements: bool = False) -> bool:
    """Tell whether a file's name is that of a form which is read."""
    suffix = plain_name(path).suffix.lower()
    return suffix in SUFFIXES or (judgements and suffix in JUDGEMENT_SUFFIXES)


def form_of(path: Path) -> tuple[FileForm, Records | None]:
    """Find the form of a file, compressed or not; for objects with keys also the stream of ``(line or row, object)``.

    Judgements under an ending that nothing here knows are tables, as TREC's ``qrels.robust04`` is.
    """
    suffix = plain_name(path).suffix.lower()
    form = SUFFIXES.get(suffix, FileForm.TABLE)
    if form is FileForm.TABLE:
        refuse_by_name(path)
        return form, None
    if form is FileForm.ARROW and path.suffix.lower() in COMPRESSIONS:
        raise DistillirError(
            "Parquet and Arrow within another compression are not read", where=path, remedy="unpack it"
        )
    return form, partial(read_json_records if form is FileForm.JSON else read_arrow_records, path)


def refuse_by_name(path: Path) -> None:
    """Refuse a file whose name belongs to a form that is not read.

    Raises:
        DistillirError: It is; the message says what to write instead.
    """
    for endings, (what, remedy) in _REFUSED.items():
        if path.suffix.lower() in endings or plain_name(path).suffix.lower() in endings:
            raise DistillirError(what, where=path, remedy=remedy)
