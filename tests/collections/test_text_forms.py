"""Documents and queries as objects with keys, and compressed files: what is read, what is told, what is refused."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import load_collection
from distillir.collections.key_names import Kind
from distillir.collections.text_files import text_part

Texts = list[tuple[str, str, str]]  # id, title, text


def read(path: Path, kind: Kind) -> tuple[Texts, str]:
    """The texts of a file and what is told of it."""
    part = text_part(path, kind)
    found = [(entry.id, entry.title, entry.text) for entry in part.read()]
    return found, "\n".join(part.notes())


def write(folder: Path, name: str, content: str | list[dict[str, Any]]) -> Path:
    """A file of text, or of one JSON object a line."""
    path = folder / name
    text = (
        content if isinstance(content, str) else "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
    )
    path.write_bytes(text.encode())
    return path


OBJECTS: dict[str, tuple[Kind, list[dict[str, Any]], Texts, str]] = {
    "BEIR": ("document", [{"_id": "1", "title": None, "text": "a", "metadata": {}}], [("1", "", "a")], ""),
    "BEIR's metadata": (
        "document",
        [{"_id": "1", "text": "a", "metadata": {"url": "x"}}, {"_id": "2", "text": "b", "metadata": {}}],
        [("1", "", "a"), ("2", "", "b")],
        "keys not read: metadata (1 line)",
    ),
    "query_id": (
        "query",
        [{"query_id": 7, "query": "kettle"}],
        [("7", "", "kettle")],
        "id is 'query_id', text is 'query'",
    ),
    "qid": ("query", [{"qid": "7", "question": "kettle"}], [("7", "", "kettle")], "id is 'qid', text is 'question'"),
    "Anserini": ("document", [{"id": "1", "contents": "kettle"}], [("1", "", "kettle")], "text is 'contents'"),
    "MIRACL": (
        "document",
        [{"docid": "1#0", "title": "Kettle", "text": "boils"}],
        [("1#0", "Kettle", "boils")],
        "id is 'docid'",
    ),
    "Tevatron queries": (
        "query",
        [{"query_id": "1", "query": "kettle", "positive_passages": [{"docid": "2"}], "negative_passages": []}],
        [("1", "", "kettle")],
        "keys not read: positive_passages (1 line)",
    ),
    "BRIGHT": ("document", [{"id": "a/b.txt", "content": "kettle"}], [("a/b.txt", "", "kettle")], "text is 'content'"),
    "BRIGHT's queries": (
        "query",
        [{"query": "kettle", "id": "0", "gold_ids": ["a/b.txt"], "excluded_ids": ["N/A"]}],
        [("0", "", "kettle")],
        "gold_ids (1 line)",
    ),
    "title alone": ("query", [{"id": "1", "title": "kettle"}], [("1", "kettle", "")], "text is the title alone"),
    "TREC topics": (
        "query",
        [{"number": 301, "title": "crime", "description": "who", "narrative": "why"}],
        [("301", "crime", "")],
        "keys not read: description (1 line), narrative (1 line)",
    ),
    "text before contents": (
        "document",
        [{"id": "1", "contents": "x", "text": "kettle"}],
        [("1", "", "kettle")],
        "text is 'text'\n{place}: keys not read: contents (1 line)",
    ),
    "_id before id": (
        "document",
        [{"id": "9", "_id": "1", "text": "kettle"}],
        [("1", "", "kettle")],
        "id is '_id', text is 'text'",
    ),
    "null text": ("document", [{"_id": "1", "title": "Kettle", "text": None}], [("1", "Kettle", "")], ""),
    "first line lacks the title": (
        "document",
        [{"id": "1", "text": "a"}, {"id": "2", "text": "b", "title": "B"}],
        [("1", "", "a"), ("2", "B", "b")],
        "",
    ),
}


@pytest.mark.parametrize("case", OBJECTS.values(), ids=OBJECTS.keys())
@pytest.mark.parametrize("form", ["jsonl", "array", "parquet"])
def test_object_is_read(form: str, case: tuple[Kind, list[dict[str, Any]], Texts, str], tmp_path: Path) -> None:
    kind, rows, texts, told = case
    if form == "jsonl":
        path = write(tmp_path, "x.jsonl", rows)
    elif form == "array":
        path = write(tmp_path, "x.json", json.dumps(rows, indent=1))
    else:
        path = tmp_path / "x.parquet"
        names = dict.fromkeys(key for row in rows for key in row)
        # Parquet has no empty structures.
        without_empty = [{name: row.get(name) or None for name in names} for row in rows]
        pq.write_table(pa.Table.from_pylist(without_empty), path)
    found, notes = read(path, kind)
    assert found == texts
    assert told.format(place=path) in notes if told else notes == ""


def test_objects_that_cannot_be_read(tmp_path: Path) -> None:
    for rows, message in (
        (
            [{"question": "how old", "answer": ["2"]}],
            r"no '_id' \(seen: 'question', 'answer'\); 'answer' looks like answ",
        ),
        (
            [{"id": "1", "frage": "wie alt"}],
            r":1: no 'text' \(seen: 'id', 'frage'\); .*a text may also be called query.*jq",
        ),
        (
            [{"id": "1", "title": "a"}] * 100 + [{"id": "2", "title": "b", "text": "c"}],
            r":101: a text under 'text', where the lines before have a title alone",
        ),
        ([{"id": 1.5, "text": "a"}], r":1: 'id' is a float, not a text"),
        ([{"id": "1", "text": "a"}, {"id": "2", "contents": "b"}], r":2: no 'text'; write"),
    ):
        with pytest.raises(DistillirError, match=message):
            read(write(tmp_path, "q.jsonl", rows), "query")
    with pytest.raises(DistillirError, match=r"q\.json: element 2 of the JSON array is cut"):
        read(write(tmp_path, "q.json", '[{"id": "1", "text": "a"},\n{"id": "2", "te'), "query")


def zipped(content: bytes, *names: str) -> bytes:
    """A zip file of members with the same content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


def zstandard(content: bytes) -> bytes:
    """The content compressed by Zstandard."""
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, "zstd") as stream:
        stream.write(content)
    return buffer.getvalue().to_pybytes()  # type: ignore[no-any-return]


def test_every_compression_is_read_by_its_content(tmp_path: Path) -> None:
    content = b"".join(b"%d\tkettle number %d\n" % (n, n) for n in range(3000))
    packed = {
        ".gz": gzip.compress(content),
        ".bz2": bz2.compress(content),
        ".xz": lzma.compress(content),
        ".zst": zstandard(content),
        ".zip": zipped(content, "c.tsv"),
    }
    for suffix, data in packed.items():
        for name, held in ((f"c.tsv{suffix}", data), ("c.tsv", data), (f"plain.tsv{suffix}", content)):
            (tmp_path / name).write_bytes(held)
            found, _ = read(tmp_path / name, "document")
            assert len(found) == 3000 and found[-1] == ("2999", "", "kettle number 2999")
        (tmp_path / f"cut.tsv{suffix}").write_bytes(data[: len(data) // 2])
        with pytest.raises(DistillirError, match=r"cut\.tsv\S*: cannot be read"):
            read(tmp_path / f"cut.tsv{suffix}", "document")
    (tmp_path / "two.tsv.zip").write_bytes(zipped(content, "a.tsv", "b.tsv"))
    with pytest.raises(DistillirError, match=r"is a zip archive of 2 files \(a\.tsv, b\.tsv\); unpack it"):
        read(tmp_path / "two.tsv.zip", "document")
    (tmp_path / "c.tsv").write_bytes("1\tkettle\n".encode("utf-16"))
    with pytest.raises(DistillirError, match=r"is UTF-16, .*iconv -f utf-16"):
        read(tmp_path / "c.tsv", "document")


def test_ids_that_are_sentences_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = write(tmp_path, "c.jsonl", [{"_id": "1", "text": "a"}])
    queries = write(tmp_path, "q.jsonl", [{"_id": "how long does a kettle take", "text": "two minutes"}])
    load_collection({"documents": str(documents), "queries": str(queries)})
    assert "1 of 1 ids of query texts are of 5 words or more, as 'how long does" in capsys.readouterr().err
