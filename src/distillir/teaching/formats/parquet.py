"""Parquet with the columns of a teaching set: query_id, document_ids, and perhaps scores and relevant."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from distillir.collections import Collection
from distillir.environment import raise_if_refused
from distillir.errors import DistillirError
from distillir.teaching.formats.format import Format, Settings
from distillir.teaching.formats.lists import IdList, RowList, to_rows
from distillir.teaching.formats.values import read_score
from distillir.teaching.teaching_set import TeachingSet


def _read(source: Path, collection: Collection, settings: Settings) -> Iterator[RowList]:
    return to_rows(_lists(source), f"{source}, row", collection, settings.unknown)


def _lists(source: Path) -> Iterator[IdList]:
    """The lists, by ids: rows of another collection would mean nothing here."""
    try:
        with pq.ParquetFile(str(source)) as file:
            present = [
                name for name in ("query_id", "document_ids", "scores", "relevant") if name in file.schema_arrow.names
            ]
            for needed in ("query_id", "document_ids"):
                if needed not in present:
                    raise DistillirError(f"no column {needed!r}", where=source, remedy="these hold ids as texts")
            number = 0
            for batch in file.iter_batches(batch_size=1000, columns=present):
                for row in batch.to_pylist():
                    number += 1
                    yield _list(row, number, f"{source}, row:{number}")
    except (OSError, pa.ArrowException) as error:
        raise_if_refused(error)
        raise DistillirError(f"is no Parquet file ({error})", where=source) from error


def _list(row: dict[str, object], number: int, where: str) -> IdList:
    documents, scores, relevant = row["document_ids"], row.get("scores"), row.get("relevant")
    if (
        not isinstance(row["query_id"], str)
        or not isinstance(documents, list)
        or not all(isinstance(d, str) for d in documents)
    ):
        raise DistillirError("query_id is no text or document_ids no list of texts", where=where)
    for name, values in (("scores", scores), ("relevant", relevant)):
        if values is not None and (not isinstance(values, list) or len(values) != len(documents)):
            raise DistillirError(f"{name} does not fit the {len(documents)} documents", where=where)
    return IdList(
        number,
        row["query_id"],
        documents,
        [read_score(score, where) for score in scores] if isinstance(scores, list) else None,
        [bool(flag) for flag in relevant] if isinstance(relevant, list) else None,
    )


def _write(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    teaching_set.to_parquet(path)


FORMAT = Format(
    name="parquet",
    description="one Parquet file with the columns of a teaching set; read by its query_id and document_ids",
    recognises=lambda path, first: path.suffix == ".parquet",
    read=_read,
    texts=lambda source: None,
    write=_write,
    count=lambda source: int(pq.read_metadata(str(source)).num_rows),
)
