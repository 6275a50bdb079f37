"""Files of vectors that were made elsewhere: .npy and .parquet, and files of ids."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory
from distillir.students.kept_documents.vectors import Array

SUFFIXES = (".npy", ".parquet")
#: Names of columns of parquet files.
VECTOR_COLUMNS = ("vector", "vectors", "embedding", "embeddings", "emb")
ID_COLUMNS = ("id", "_id", "docid", "doc_id")
_ROWS = 1 << 15


def vector_files(path: Path, where: str) -> list[Path]:
    """Files of vectors, in the order of their names.

    Args:
        path: A folder, or one file.
        where: The key of the recipe, for messages.

    Raises:
        DistillirError: There are none, or of both kinds.
    """
    inside = sorted(path.iterdir()) if path.is_dir() else [path]
    found = [file for file in inside if file.suffix in SUFFIXES and file.is_file()]
    if not found:
        kinds = " or ".join(SUFFIXES)
        told = f"no such file of vectors: {path}"
        if path.is_dir():
            lance = path.suffix == ".lance" or any(file.suffix == ".lance" for file in inside)
            told = f"{path} {'is of LanceDB, and ' if lance else ''}has no {kinds} file"
        elif path.is_file():
            told = f"{path} is no {kinds} file"
        raise DistillirError(
            told, where=where, remedy="check the path; other forms can be written as .npy with numpy.save"
        )
    if len({file.suffix for file in found}) > 1:
        raise DistillirError(f"{path} has {' and '.join(SUFFIXES)} files", where=where, remedy="keep one kind")
    return found


def vector_arrays(files: Sequence[Path], cache: Path, where: str) -> list[Array]:
    """Vectors [n, D] of each file, mapped.

    Args:
        files: Of one kind.
        cache: Folder for what is made of parquet files, once.
        where: The key of the recipe, for messages.

    Raises:
        DistillirError: A file holds something else, or vectors of another width than the first.
    """
    parts = [file if file.suffix == ".npy" else _converted(file, cache / f"{file.stem}.npy", where) for file in files]
    arrays: list[Array] = []
    for part, file in zip(parts, files, strict=True):
        try:
            array: Any = np.load(part, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DistillirError(f"cannot be read ({str(error)[:80]})", where=file) from None
        if array.ndim != 2 or array.dtype not in (np.float16, np.float32):
            raise DistillirError(
                f"holds {array.dtype} of shape {array.shape}",
                where=file,
                remedy="write float32 or float16 of shape (documents, width)",
            )
        if not array.shape[1]:
            raise DistillirError("holds vectors without a number", where=file, remedy="write them anew")
        if arrays and array.shape[1] != arrays[0].shape[1]:
            raise DistillirError(
                f"vectors have {array.shape[1]} numbers, and those of {files[0].name} {arrays[0].shape[1]}",
                where=file,
                remedy="keep vectors of one model in a folder",
            )
        arrays.append(array)
    return arrays


def read_ids(ids: Path | None, files: Sequence[Path], block: int) -> Iterator[list[str]]:
    """Ids of vectors, in their order, ``block`` at a time.

    Args:
        ids: A file, an id a line; None: a column of the parquet ``files``.
        files: Of the vectors.
        block: How many.
    """
    if ids is not None:
        with ids.open(encoding="utf-8-sig") as stream:
            try:
                while some := [line.rstrip("\r\n") for line in islice(stream, block)]:
                    yield some
            except UnicodeDecodeError as error:
                raise DistillirError(
                    f"is no text in UTF-8 ({error.reason})", where=ids, remedy="write it anew"
                ) from None
        return
    for file in files:
        with _opened(file) as opened:
            column = _column(opened, ID_COLUMNS, file, "of ids", "name a file of ids in student.documents.ids")
            for values in _batches(opened, file, column, block):
                yield [str(value) for value in values.to_pylist()]


def _opened(file: Path) -> Any:
    """A parquet file."""
    import pyarrow.parquet as parquet

    with _readable(file):
        return parquet.ParquetFile(file)


def _batches(opened: Any, file: Path, column: str, rows: int) -> Iterator[Any]:
    """Values of a column, so many at a time."""
    found = opened.iter_batches(batch_size=rows, columns=[column])
    while True:
        with _readable(file):
            batch = next(found, None)
        if batch is None:
            return
        yield batch.column(0)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        told = " ".join(str(error).split())[:80]
        raise DistillirError(f"cannot be read ({told})", where=file, remedy="write it anew") from None


def _column(opened: Any, names: Sequence[str], file: Path, what: str, remedy: str) -> str:
    found = [name for name in names if name in opened.schema_arrow.names]
    if not found:
        raise DistillirError(
            f"has no column {what} ({', '.join(names)}): {', '.join(opened.schema_arrow.names)}",
            where=file,
            remedy=remedy,
        )
    return found[0]


def _converted(file: Path, target: Path, where: str) -> Path:
    """The vectors of a parquet file as an array on disk, made once."""
    folder = target.with_suffix("")
    if (folder / target.name).is_file():
        return folder / target.name
    with _opened(file) as opened:
        column = _column(opened, VECTOR_COLUMNS, file, "of vectors", f"name it so, or name other files in {where}")
        rows, array, at = opened.metadata.num_rows, None, 0
        with atomic_directory(folder) as made:
            for values in _batches(opened, file, column, _ROWS):
                block = _vectors_of(values)
                if block is None or (array is not None and block.shape[1] != array.shape[1]):
                    raise DistillirError(
                        f"vectors of {column} have no one width",
                        where=file,
                        remedy="write lists of as many numbers each",
                    )
                if array is None:
                    kind = np.float16 if block.dtype == np.float16 else np.float32
                    array = np.lib.format.open_memmap(
                        made / target.name, mode="w+", dtype=kind, shape=(rows, block.shape[1])
                    )
                array[at : at + len(block)] = block
                at += len(block)
            if array is None:
                raise DistillirError("holds no vector", where=file)
            array.flush()
            del array
    return folder / target.name


def _vectors_of(values: Any) -> Array | None:
    """Vectors [n, D] of a column of lists; None where they are no lists of numbers, or not as many in each."""
    import pyarrow as pa
    import pyarrow.compute as compute

    try:
        lengths = compute.list_value_length(values)
        if lengths.null_count or len(compute.unique(lengths)) != 1:
            return None
        flat: Array = values.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(values), -1).astype(flat.dtype if flat.dtype == np.float16 else np.float32)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, AttributeError, ValueError):
        return None
