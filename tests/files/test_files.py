import gzip
from pathlib import Path

import pytest

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, atomic_file, read_jsonl, read_lines, write_json


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    write_json(path, {"a": 1})
    before = path.read_bytes()
    with pytest.raises(RuntimeError), atomic_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    for name in ("one", "two"):
        with atomic_directory(path) as temporary:
            (temporary / name).touch()
        assert [p.name for p in path.iterdir()] == [name]
    with pytest.raises(RuntimeError), atomic_directory(path) as temporary:
        (temporary / "three").touch()
        raise RuntimeError
    assert [p.name for p in path.iterdir()] == ["two"] and list(tmp_path.iterdir()) == [path]


def test_lines_are_read_with_numbers_and_without_marks(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt.gz"
    path.write_bytes(gzip.compress("\ufeffone\r\ntwo\n".encode()))
    assert list(read_lines(path)) == [(1, "one"), (2, "two")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1}\n{"a": \n', ":2: not JSON"),
        (b'{"a": 1}\n\xff\xfe\n', ":2: not UTF-8"),
        (b"[1]\n", ":1: a JSON list"),
        (b"[" * 200_000 + b"\n", ":1: not JSON"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(content)
    with pytest.raises(DistillirError) as error:
        list(read_jsonl(path))
    assert said in str(error.value)


def test_a_torn_archive_is_said(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt.gz"
    path.write_bytes(gzip.compress(b"a line\n" * 1000)[:-10])
    with pytest.raises(DistillirError, match="cannot be read"):
        list(read_lines(path))
