"""A full disk and a full memory are the same line, whichever library met them."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from distillir.base.environment import raise_if_refused, refused_by_machine
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file, reserve
from distillir.encoding.loading import one_line_errors

#: A device that is always full.
FULL = Path("/dev/full")
VALUES = np.zeros(100_000, dtype=np.float32)
on_linux = pytest.mark.skipif(not FULL.exists(), reason="a device of Linux")


def _arrow(path: str) -> None:
    table = pa.table({"a": VALUES})
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _faiss(path: str) -> None:
    import faiss

    index = faiss.IndexFlatIP(10)
    index.add(VALUES.reshape(-1, 10))
    faiss.write_index(index, path)


def _gzip(path: str) -> None:
    with gzip.open(path, "wb") as stream:
        stream.write(os.urandom(100_000))


WRITERS: dict[str, Callable[[str], Any]] = {
    "text": lambda path: Path(path).write_text("text"),
    "numpy": lambda path: VALUES.tofile(path),
    "torch": lambda path: torch.save({"a": torch.zeros(100_000)}, path),
    "parquet": lambda path: pq.write_table(pa.table({"a": VALUES}), path),
    "arrow": _arrow,
    "faiss": _faiss,
    "gzip": _gzip,
}


@on_linux
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_in_the_words_of_each_library(writer: str, tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "full"
    link.symlink_to(FULL)  # pyarrow deletes what it could not write
    with pytest.raises(Exception) as raised, atomic_file(path):
        WRITERS[writer](str(link))
    assert str(refused_by_machine(raised.value)).startswith(f"the disk is full while making {path}; free space")
    assert {file.name for file in tmp_path.iterdir()} <= {"full"} and FULL.is_char_device()


@pytest.mark.parametrize(
    "said",
    [
        "Error while serializing: I/O error: No space left on device (os error 28)",  # safetensors
        "lance error: LanceError(IO): No space left on device (os error 28), writer.rs:191:9",  # lancedb
        "[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534",  # torch, on some full disks
        "3000000 requested and 1048544 written",  # numpy
        "write(): fd 3 failed with Disk quota exceeded",
    ],
)
def test_a_full_disk_in_words_alone(said: str) -> None:
    assert str(refused_by_machine(RuntimeError(said))).startswith("the disk is full; free space")


@pytest.mark.parametrize(
    "ask", [lambda: np.zeros(10**14), lambda: torch.zeros(10**14), lambda: pa.allocate_buffer(10**15)]
)
def test_memory_in_the_words_of_each_library(ask: Callable[[], object]) -> None:
    with pytest.raises(Exception) as raised:
        ask()
    told = str(refused_by_machine(raised.value))
    assert told.startswith("the memory does not suffice (") and "lower training.token_budget" in told


def test_a_model_that_cannot_be_loaded_for_want_of_room_is_no_wrong_name(tmp_path: Path) -> None:
    with (
        pytest.raises(DistillirError, match=r"^the disk is full while loading the model m; free space"),
        one_line_errors("m"),
    ):
        raise OSError(28, "No space left on device")
    with pytest.raises(DistillirError, match="the model cannot be loaded"), one_line_errors(str(tmp_path)):
        raise OSError("m does not appear to have a file named config.json")


def test_who_wraps_it_and_who_only_met_it_on_the_way() -> None:
    def told(error: Exception) -> str:
        return str(refused_by_machine(error))

    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise ValueError("the writer is closed") from error
    except ValueError as wrapped:
        assert told(wrapped).startswith("the disk is full")
    try:
        try:
            raise PermissionError(13, "Permission denied", "/cache")
        except OSError:
            raise KeyError("a mistake of ours") from None
    except KeyError as own:
        assert refused_by_machine(own) is None
    raise_if_refused(ValueError("truncated"))  # a damaged file stays one


def test_a_cache_that_may_not_be_written_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILLIR_CACHE", "/shared/cache")
    inside = str(refused_by_machine(PermissionError(13, "Permission denied", "/shared/cache/vectors/x")))
    assert inside.startswith("/shared/cache/vectors/x: Permission denied") and "set DISTILLIR_CACHE" in inside
    assert "--output" in str(refused_by_machine(PermissionError(13, "Permission denied", "/other")))


def test_room_is_reserved_before_a_file_is_mapped(tmp_path: Path) -> None:
    reserve(tmp_path / "file", 1 << 20)
    stat = (tmp_path / "file").stat()
    assert stat.st_size == 1 << 20 and stat.st_blocks * 512 >= 1 << 20
    with pytest.raises(OSError) as raised:
        reserve(tmp_path / "file", 1 << 50)
    assert str(refused_by_machine(raised.value)).startswith(f"{tmp_path / 'file'}: the disk is full")


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError) as raised:
        pq.write_table(pa.table({"a": VALUES}), os.fsdecode(bytes(tmp_path) + b"/\xff"))
    assert str(refused_by_machine(raised.value)).endswith(
        r"/\udcff' is no Unicode text; rename the file, or mend the text"
    )
