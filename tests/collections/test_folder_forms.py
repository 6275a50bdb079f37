"""Folders as people have them: other names and forms, shards, and files beside the collection that are told."""

import gzip
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distillir.base.errors import DistillirError
from distillir.base.files import file_state
from distillir.collections import Collection, load_collection
from distillir.collections.file_source import folder_source


@pytest.fixture
def folder(tiny_beir: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny_beir, tmp_path / "tiny")
    return tmp_path / "tiny"


def same(found: Collection, tiny: Collection) -> bool:
    """Whether texts, splits and judgements are those of the collection that all folders here are made of."""
    counts = [len(found.qrels(split)) for split in found.splits] == [len(tiny.qrels(split)) for split in tiny.splits]
    return found.fingerprint == tiny.fingerprint and found.splits == tiny.splits and counts


def test_judgements_of_a_split_as_csv(folder: Path, tiny: Collection) -> None:
    rows = (folder / "qrels" / "test.tsv").read_text().replace("\t", ",")
    (folder / "qrels" / "test.tsv").unlink()
    (folder / "qrels" / "test.csv").write_text(rows)
    assert same(load_collection(folder), tiny)


def test_judgements_beside_the_corpus(folder: Path, tiny: Collection) -> None:
    for split in ("train", "dev", "test"):
        (folder / "qrels" / f"{split}.tsv").rename(folder / f"qrels.{split}.tsv")
    assert same(load_collection(folder), tiny)


def test_corpus_in_shards(folder: Path, tiny: Collection) -> None:
    lines = (folder / "corpus.jsonl").read_text().splitlines(keepends=True)
    (folder / "corpus.jsonl").unlink()
    for number, start in enumerate(range(0, len(lines), 6)):
        content = "".join(lines[start : start + 6]).encode()
        (folder / f"corpus-{number}.jsonl.gz").write_bytes(gzip.compress(content))
    assert (folder / "corpus-10.jsonl.gz").is_file()  # read after 9, not after 1
    assert same(load_collection(folder), tiny)
    (folder / "docs").mkdir()
    for file in folder.glob("corpus-*"):
        file.rename(folder / "docs" / file.name)
    assert same(load_collection(folder), tiny)
    named = {"documents": str(folder / "docs"), "queries": str(folder / "queries.jsonl")}
    assert load_collection(named).fingerprint == tiny.fingerprint
    files = sorted((folder / "docs").iterdir(), key=lambda file: int(file.name[7:].split(".")[0]))
    assert load_collection({**named, "documents": [str(file) for file in files]}).fingerprint == tiny.fingerprint


def test_a_mistake_in_a_shard_names_it(folder: Path) -> None:
    (folder / "corpus.jsonl").rename(folder / "corpus-0.jsonl")
    (folder / "corpus-1.jsonl").write_text('{"_id": "cactus", "text": "again"}\n')
    with pytest.raises(DistillirError, match=r"corpus-1\.jsonl:1: document id 'cactus' occurs twice, .*corpus-0"):
        load_collection(folder)
    (folder / "corpus-1.jsonl").rename(folder / "corpus-2.jsonl")
    with pytest.raises(DistillirError, match="number 1 of the corpus's files is missing"):
        load_collection(folder)
    (folder / "corpus-2.jsonl").unlink()
    (folder / "corpus-0.jsonl").rename(folder / "corpus-00000-of-00003.jsonl")
    with pytest.raises(DistillirError, match="number 1 of the corpus's files is missing"):
        load_collection(folder)


def test_parquet_as_the_hub_lays_it_out(tiny_beir: Path, tiny: Collection, tmp_path: Path) -> None:
    def move(source: Path, target: Path) -> None:
        rows = [json.loads(line) for line in source.read_text().splitlines()]
        names = dict.fromkeys(key for row in rows for key in row)
        target.parent.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), target)

    move(tiny_beir / "corpus.jsonl", tmp_path / "corpus" / "corpus-00000-of-00001.parquet")
    move(tiny_beir / "queries.jsonl", tmp_path / "queries" / "queries-00000-of-00001.parquet")
    (tmp_path / "qrels").mkdir()
    for split in tiny.splits:
        lines = (tiny_beir / "qrels" / f"{split}.tsv").read_text().splitlines()
        cells = [line.split("\t") for line in lines if not line.startswith("query-id")]
        judged = [{"query-id": cell[0], "corpus-id": cell[-2], "score": float(cell[-1])} for cell in cells]
        pq.write_table(pa.Table.from_pylist(judged), tmp_path / "qrels" / f"{split}-00000-of-00001.parquet")
    assert same(load_collection(tmp_path), tiny)


def test_files_that_are_not_read_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (
        "qrels/test.xlsx",
        "corpus.jsonl.gz",
        "queries.train.tsv",
        "README.md",
        "notes.txt",
        "examples/a.jsonl",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    load_collection(folder)
    told = " ".join(capsys.readouterr().err.split())
    assert (
        "parts of a collection: corpus.jsonl.gz, queries.train.tsv, examples/a.jsonl, qrels/test.xlsx (read: " in told
    )
    # A further one is told although the import could be taken from the cache.
    (folder / "qrels" / "extra.xlsx").write_bytes(b"")
    load_collection(folder)
    assert "qrels/extra.xlsx" in capsys.readouterr().err


def test_miracl_as_it_is_published(tmp_path: Path) -> None:
    for number in range(2):
        line = json.dumps({"docid": f"{number}#0", "title": "Kettle", "text": "boils"})
        (tmp_path / f"docs-{number}.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "topics.miracl-v1.0-sw-dev.tsv").write_text("7\tkettle\n")
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "qrels.miracl-v1.0-sw-dev.tsv").write_text("7\tQ0\t0#0\t1\n7\tQ0\t1#0\t0\n")
    collection = load_collection(tmp_path)
    assert (collection.corpus.ids(), collection.splits) == (["0#0", "1#0"], ["miracl-v1.0-sw-dev"])
    assert collection.qrels("miracl-v1.0-sw-dev").grades.tolist() == [1, 0]


def test_no_collection_says_what_is_there(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match=r"no collection in this folder; did you mean \S*/tiny\?"):
        load_collection(tmp_path)
    (folder / "corpus.jsonl").unlink()
    with pytest.raises(DistillirError, match=r"give a mapping; there is: qrels/, queries\.jsonl$"):
        load_collection(folder)
    (folder / "dataset_dict.json").write_text("{}")
    with pytest.raises(DistillirError, match=r"save_to_disk: write corpus, queries and qrels with to_json"):
        load_collection(folder)
    (tmp_path / "tiny.zip").write_bytes(b"PK")
    with pytest.raises(DistillirError, match=r"is a file where a folder is expected; unpack it"):
        load_collection(tmp_path / "tiny.zip")


def test_a_corpus_alone(folder: Path, tiny: Collection) -> None:
    collection = load_collection({"documents": str(folder / "corpus.jsonl")})
    assert (len(collection.corpus), len(collection.queries), collection.splits) == (len(tiny.corpus), 0, [])


def test_only_what_is_read_otherwise_has_a_new_key(tiny_beir: Path, tmp_path: Path) -> None:
    def plain_identity(*files: tuple[str, Path]) -> str:
        """Without a word on how a file is read."""
        return "\n".join(f"{label}\t{file.resolve()}\t{file_state(file)}" for label, file in files)

    qrels = [(f"qrels {split}", tiny_beir / "qrels" / f"{split}.tsv") for split in ("dev", "test", "train")]
    files = [("documents", tiny_beir / "corpus.jsonl"), ("None", tiny_beir / "queries.jsonl"), *qrels]
    assert folder_source(tiny_beir).identity() == plain_identity(*files)
    (tmp_path / "collection.tsv").write_text("id\ttext\n1\ta\n")
    (tmp_path / "queries.dev.tsv").write_text("1\ta\n")
    tables = [("documents", tmp_path / "collection.tsv"), ("dev", tmp_path / "queries.dev.tsv")]
    assert folder_source(tmp_path).identity() != plain_identity(*tables)
