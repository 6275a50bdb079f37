"""A BEIR folder becomes a collection, once."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection


def test_tiny_is_read_as_it_is_written(tiny: Collection, tiny_beir: Path) -> None:
    lines = [json.loads(line) for line in (tiny_beir / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    assert tiny.corpus.ids() == [line["_id"] for line in lines]
    assert tiny.corpus.texts() == [f"{line['title']} {line['text']}".strip() for line in lines]
    assert tiny.splits == ["train", "dev", "test"]
    assert tiny.name == "tiny"
    assert tiny.query_rows("test").tolist() == tiny.qrels("test").query_rows.tolist()


def test_judgements_are_rows_in_order(tiny: Collection, tiny_beir: Path) -> None:
    for split in tiny.splits:
        qrels = tiny.qrels(split)
        lines = (tiny_beir / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]
        written = {tuple(line.split("\t")) for line in lines}
        columns = zip(tiny.queries.ids(qrels.queries), tiny.corpus.ids(qrels.documents), qrels.grades, strict=True)
        assert {(query, document, str(grade)) for query, document, grade in columns} == written
        assert np.array_equal(np.lexsort((qrels.documents, qrels.queries)), np.arange(len(qrels)))
    moon = tiny.queries.row("-q23")
    assert tiny.corpus.ids(tiny.qrels("test").relevant(moon)) == ["-moon-tides"]
    assert len(tiny.qrels("test").of(moon)[0]) == 2


def test_gzipped_files_and_qrels_without_header(tiny: Collection, tiny_beir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    (folder / "qrels").mkdir(parents=True)
    for name in ("corpus.jsonl", "queries.jsonl"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((tiny_beir / name).read_bytes()))
    for split in tiny.splits:
        header, *lines = (tiny_beir / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()
        assert header.startswith("query-id")
        (folder / "qrels" / f"{split}.tsv").write_text("\r\n".join(lines), encoding="utf-8")
    packed = load_collection(str(folder))
    assert packed.fingerprint == tiny.fingerprint
    for split in tiny.splits:
        assert np.array_equal(packed.qrels(split).documents, tiny.qrels(split).documents)


def test_second_load_opens_the_first_import(tiny: Collection, tiny_beir: Path) -> None:
    stamp = (tiny.path / "info.json").stat().st_mtime_ns
    assert load_collection(tiny_beir).path == tiny.path
    assert load_collection({"path": str(tiny_beir)}).path == tiny.path
    assert (tiny.path / "info.json").stat().st_mtime_ns == stamp
    assert load_collection(tiny.path).fingerprint == tiny.fingerprint


def test_a_changed_file_is_imported_anew(tiny_beir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "growing"
    shutil.copytree(tiny_beir, folder)
    before = load_collection(folder)
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"_id": "new", "text": "The Nile flows north."}\n')
    after = load_collection(folder)
    assert len(after.corpus) == len(before.corpus) + 1
    assert after.corpus.text(after.corpus.row("new")) == "The Nile flows north."
    assert before.corpus.text(0) == after.corpus.text(0)  # the open one stays readable


def test_a_folder_without_judgements_has_no_splits(tiny_beir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unjudged"
    shutil.copytree(tiny_beir, folder, ignore=shutil.ignore_patterns("qrels"))
    collection = load_collection(folder)
    assert collection.splits == []
    with pytest.raises(DistillirError, match="no split 'test'"):
        collection.qrels("test")


def test_one_qrels_file_beside_the_corpus_is_test(tiny_beir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "single"
    shutil.copytree(tiny_beir, folder, ignore=shutil.ignore_patterns("qrels"))
    shutil.copy(tiny_beir / "qrels" / "dev.tsv", folder / "qrels.tsv")
    assert load_collection(folder).splits == ["test"]


def test_some_splits_only(tiny_beir: Path) -> None:
    chosen = load_collection({"path": tiny_beir, "splits": ["test"], "name": "only test"})
    assert (chosen.name, chosen.splits, len(chosen.queries)) == ("only test", ["test"], 30)
    with pytest.raises(DistillirError, match="no split 'validation'"):
        load_collection({"path": tiny_beir, "splits": ["validation"]})


def test_odd_unicode_null_bytes_and_numeric_ids(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    texts = ["null \0 byte", "line\u2028separator\x0bvertical\x1c", "emoji 🦜 and Zürich", " spaced ", "tab\tand\nline"]
    ids = ["a/b", "-leading dash", "日本 語", "\0", "tab\tid"]
    with (folder / "corpus.jsonl").open("w", encoding="utf-8-sig") as stream:
        for identifier, text in zip(ids, texts, strict=True):
            stream.write(json.dumps({"_id": identifier, "text": text, "title": None}, ensure_ascii=False) + "\n\n")
        stream.write('{"_id": 7, "text": "half a pair \\ud83e here", "metadata": {"year": 2001}}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "?"}\n')
    collection = load_collection(folder)
    assert collection.corpus.ids() == [*ids, "7"]
    assert [collection.corpus.body(n) for n in range(5)] == texts
    assert collection.corpus.body(5) == "half a pair \ufffd here"
