"""Every mistake in a collection gets one line with file, line and remedy, and leaves nothing behind."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from distillir.base.errors import DistillirError
from distillir.collections import load_collection

Mistake = tuple[str, int, bytes, str]

# file, line to replace (0: append), what with, what the message must say
MISTAKES: dict[str, Mistake] = {
    "malformed": ("corpus.jsonl", 3, b'{"_id": "x", "text": "cut', r"corpus\.jsonl:3: not JSON"),
    "no object": ("corpus.jsonl", 2, b'["x", "y"]', r"corpus\.jsonl:2: a JSON list"),
    "no id": ("corpus.jsonl", 5, b'{"text": "lost"}', r"corpus\.jsonl:5: no '_id'; write "),
    "no text": ("corpus.jsonl", 1, b'{"_id": "x", "title": "t"}', r"corpus\.jsonl:1: no 'text'"),
    "text is a list": ("corpus.jsonl", 1, b'{"_id": "x", "text": ["t"]}', r":1: 'text' is a list, not a text"),
    "empty id": ("corpus.jsonl", 4, b'{"_id": "", "text": "t"}', r"corpus\.jsonl:4: a document with an empty id"),
    "half an id": ("corpus.jsonl", 4, b'{"_id": "\\ud800", "text": "t"}', r":4: document id '\\ud800' is not valid"),
    "empty text": (
        "corpus.jsonl",
        2,
        b'{"_id": "x", "title": " ", "text": "\\n"}',
        r":2: document 'x' has no text.*empty: skip",
    ),
    "not UTF-8": ("corpus.jsonl", 7, '{"_id": "x", "text": "café"}'.encode("latin1"), r"corpus\.jsonl:7: not UTF-8"),
    "duplicate": (
        "corpus.jsonl",
        0,
        b'{"_id": "bee-wax", "text": "again"}',
        r"corpus\.jsonl:63: document id 'bee-wax' occurs twice, first at \S+corpus\.jsonl:3",
    ),
    "empty query": ("queries.jsonl", 9, b'{"_id": "x", "text": ""}', r"queries\.jsonl:9: query 'x' has no text"),
    "duplicate query": (
        "queries.jsonl",
        8,
        b'{"_id": "q1", "text": "t"}',
        r"queries\.jsonl:8: query id 'q1' .*first at \S+:1",
    ),
    "unknown document": ("qrels/dev.tsv", 3, b"q18\tnowhere\t1", r"dev\.tsv:3: a judgement for document 'nowhere'"),
    "unknown query": (
        "qrels/test.tsv",
        2,
        b"q99\tcactus\t1",
        r"test\.tsv:2: a judgement for query 'q99'.*unknown: skip",
    ),
    "grade": ("qrels/test.tsv", 4, b"q25\tinsulin\tyes", r"test\.tsv:4: grade 'yes' is no integer; grades are"),
    "fraction": ("qrels/test.tsv", 4, b"q25\tinsulin\t0.5", r"test\.tsv:4: grade '0\.5'"),
    "columns": ("qrels/train.tsv", 2, b"q1\tbee-dance", r"train\.tsv:2: 2 columns; expected query, document, grade"),
    "two grades": (
        "qrels/test.tsv",
        0,
        b"q25\tinsulin\t0",
        r"test\.tsv:15: query 'q25' .* grade 0 here and 2 at line 6",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake_is_named(mistake: Mistake, tiny_beir: Path, tmp_path: Path) -> None:
    file, line, content, message = mistake
    folder, cache = tmp_path / "beir", tmp_path / "cache"
    shutil.copytree(tiny_beir, folder)
    lines = (folder / file).read_bytes().splitlines()
    lines[line - 1 if line else len(lines) :] = [content, *(lines[line:] if line else [])]
    (folder / file).write_bytes(b"\n".join(lines))
    with pytest.raises(DistillirError, match=message) as caught:
        load_collection(folder, cache=cache)
    assert "\n" not in str(caught.value)
    left = [path.name for path in (cache / "collections").iterdir() if not path.name.endswith(".lock")]
    assert left == []


def test_empty_and_unknown_can_be_left_out(tiny_beir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "beir"
    shutil.copytree(tiny_beir, folder)
    with (folder / "corpus.jsonl").open("a") as stream:
        stream.write('{"_id": "nothing", "text": ""}\n{"_id": "title only", "title": "Moon", "text": ""}\n')
    with (folder / "qrels" / "dev.tsv").open("a") as stream:
        stream.write("q18\tnothing\t1\n")
    collection = load_collection({"path": str(folder), "empty": "skip"})
    assert len(collection.corpus) == 63
    assert collection.corpus.text(collection.corpus.row("title only")) == "Moon"
    assert len(collection.qrels("dev")) == 7
    with (folder / "qrels" / "dev.tsv").open("a") as stream:
        stream.write("q18\tnowhere\t1\nq99\tcactus\t1\n")
    with pytest.raises(DistillirError, match="nowhere"):
        load_collection({"path": str(folder), "empty": "skip"})
    both = load_collection({"path": str(folder), "empty": "skip", "unknown": "skip"})
    assert len(both.qrels("dev")) == 7


def test_a_repeated_judgement_counts_once(tiny_beir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "beir"
    shutil.copytree(tiny_beir, folder)
    with (folder / "qrels" / "test.tsv").open("a") as stream:
        stream.write("q25\tinsulin\t2\n")
    assert len(load_collection(folder).qrels("test")) == 13


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("no/such/folder", "no/such/folder: no such folder; give stdlib, irds:"),
        ("stdlb", "no collection 'stdlb'; did you mean stdlib?"),
        ({"path": "x", "empt": "skip"}, "unknown key 'empt'; did you mean 'empty'?"),
        ({"path": "x", "corpus": "y"}, "both 'path' and 'corpus'"),
        ({"documents": "x", "corpus": "y", "queries": "z"}, "both 'corpus' and 'documents'"),
        ({}, "neither 'path' nor 'documents'"),
        ({"path": "stdlib", "empty": "maybe"}, "collection.empty: 'maybe' is no choice; choose error or skip"),
        ({"path": "stdlib", "splits": 3}, "collection.splits: 3 where a list of splits is expected"),
        ({"documents": 3, "queries": "q"}, "collection.documents: 3 where a file or a list of files is expected"),
        ({"documents": "a.tsv", "qrels": "j.tsv"}, "'qrels' without 'queries'"),
        ({"documents": "a.tsv", "queries": {"dev": 1}}, "collection.queries: "),
        ({"documents": "a.tsv", "queries": "q.tsv"}, "a.tsv: no such file; check the path"),
        ("irds:no/such/id", "irds:no/such/id: no such dataset in ir_datasets"),
        ("irds:beir/scifac", "did you mean irds:beir/scifact?"),
    ],
)
def test_spec_that_cannot_be(spec: str | dict[str, Any], message: str) -> None:
    with pytest.raises(DistillirError, match=message.replace("?", r"\?")):
        load_collection(spec)


def test_folders_that_are_no_collection(tmp_path: Path, tiny_beir: Path) -> None:
    with pytest.raises(DistillirError, match=r"no collection in this folder; a BEIR folder has corpus\.jsonl"):
        load_collection(tmp_path)
    shutil.copy(tiny_beir / "corpus.jsonl", tmp_path)
    shutil.copytree(tiny_beir / "qrels", tmp_path / "qrels")
    with pytest.raises(DistillirError, match=r"without queries\.jsonl"):
        load_collection(tmp_path)
    with pytest.raises(DistillirError, match="is a file where a folder is expected"):
        load_collection(tmp_path / "corpus.jsonl")
    (tmp_path / "queries.jsonl").write_text("\n")
    with pytest.raises(DistillirError, match=r"queries\.jsonl: no query texts"):
        load_collection(tmp_path)
