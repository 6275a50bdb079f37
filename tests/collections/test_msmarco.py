"""MS MARCO's files: collection, queries and judgements, top-1000 files and triples."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection, read_top1000, read_triples

PASSAGES = {
    "0": "Presence of communication amid scientific minds was as important as the money.",
    "1": "The Manhattan Project brought an end to World War II.",
    "2": "Essay on the atomic bomb: its effects are still felt in history and science.",
    "3": "A glacier is a body of dense ice that moves under its own weight.",
    "4": "Glaciers form where more snow falls than melts over many years.",
}
QUERIES = {"train": {"10": "what ended world war ii", "11": "how do glaciers form"}, "dev": {"12": "what is a glacier"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "collection.tsv").write_text("".join(f"{pid}\t{text}\n" for pid, text in PASSAGES.items()))
    for split, queries in QUERIES.items():
        (tmp_path / f"queries.{split}.tsv").write_text("".join(f"{qid}\t{text}\n" for qid, text in queries.items()))
    # dev.small repeats queries of dev, as MS MARCO's does; eval has no judgements.
    (tmp_path / "queries.dev.small.tsv").write_text("12\twhat is a glacier\n")
    (tmp_path / "queries.eval.tsv").write_bytes(b"13\twhat is an atomic bomb\r\n")
    (tmp_path / "qrels.train.tsv").write_text("10\t0\t1\t1\n11\t0\t4\t1\n")
    (tmp_path / "qrels.dev.tsv").write_text("12 0 3 1\n12 0 4 0\n")
    (tmp_path / "qrels.dev.small.tsv").write_text("12\t3\t1\n")
    return tmp_path


@pytest.fixture
def collection(folder: Path) -> Collection:
    return load_collection(folder)


def test_folder_with_the_official_names(collection: Collection) -> None:
    assert collection.corpus.ids() == list(PASSAGES)
    assert collection.corpus.texts() == list(PASSAGES.values())
    assert collection.splits == ["train", "dev", "dev.small", "eval"]
    assert sorted(collection.queries.ids()) == ["10", "11", "12", "13"]
    dev = collection.qrels("dev")
    assert list(zip(collection.corpus.ids(dev.documents), dev.grades.tolist(), strict=True)) == [("3", 1), ("4", 0)]
    assert len(collection.qrels("eval")) == 0
    assert collection.queries.texts(collection.query_rows("eval")) == ["what is an atomic bomb"]
    assert collection.query_rows("dev").tolist() == collection.query_rows("dev.small").tolist()


def test_mapping_names_files_one_by_one(folder: Path, collection: Collection) -> None:
    (folder / "collection.tsv.gz").write_bytes(gzip.compress((folder / "collection.tsv").read_bytes()))
    mapped = load_collection(
        {
            "documents": str(folder / "collection.tsv.gz"),
            "queries": {"train": str(folder / "queries.train.tsv"), "dev/small": folder / "queries.dev.tsv"},
            "qrels": {"train": str(folder / "qrels.train.tsv"), "dev/small": str(folder / "qrels.dev.small.tsv")},
            "name": "passages",
        }
    )
    assert (mapped.name, mapped.splits) == ("passages", ["train", "dev-small"])
    assert mapped.corpus.fingerprint == collection.corpus.fingerprint
    one = load_collection(
        {
            "corpus": str(folder / "collection.tsv"),
            "queries": [str(folder / "queries.train.tsv"), str(folder / "queries.dev.tsv")],
            "qrels": str(folder / "qrels.dev.tsv"),
        }
    )
    assert (one.name, one.splits, len(one.queries)) == (folder.name, ["dev"], 3)


def test_a_query_with_two_texts_is_refused(folder: Path) -> None:
    (folder / "queries.dev.small.tsv").write_text("\n12\tanother text\n")
    with pytest.raises(DistillirError, match=r"queries\.dev\.tsv:1: query id '12' .*first at \S+dev\.small\.tsv:2"):
        load_collection(folder)


def test_documents_with_url_and_title(folder: Path) -> None:
    (folder / "collection.tsv").write_text("D1\thttps://example.org/a\tIce\tA glacier is dense ice.\n")
    documents = load_collection(
        {"documents": str(folder / "collection.tsv"), "queries": str(folder / "queries.dev.tsv")}
    )
    assert (documents.corpus.title(0), documents.corpus.body(0)) == ("Ice", "A glacier is dense ice.")
    (folder / "collection.tsv").write_text("1\tone\n2\ttwo\tthree\n")
    with pytest.raises(DistillirError, match=r"collection\.tsv:2: 3 columns where most lines have 2; expected id"):
        load_collection(folder)


def test_top1000_keeps_the_order_of_the_file(collection: Collection, tmp_path: Path) -> None:
    lines = [("12", "4"), ("10", "2"), ("12", "3"), ("12", "0"), ("10", "1"), ("12", "4")]
    path = tmp_path / "top1000.dev.gz"
    text = "".join(f"{q}\t{p}\tquery text\tpassage text\n" for q, p in lines)
    path.write_bytes(gzip.compress(text.encode()))
    run = read_top1000(path, collection)
    found = {collection.queries.id(q): collection.corpus.ids(run.of(i)[0]) for i, q in enumerate(run.queries)}
    assert found == {"12": ["4", "3", "0"], "10": ["2", "1"]}
    first = run.queries.tolist().index(collection.queries.row("12"))
    assert np.allclose(run.of(first)[1], [1, 1 / 2, 1 / 3])


def test_rank_file_is_sorted_by_rank(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "run.tsv"
    path.write_text("11\t4\t2\n11\t3\t1\n11\t0\t10\n")
    run = read_top1000(path, collection)
    assert [collection.corpus.ids(documents) for documents in run.lists] == [["3", "4", "0"]]
    path.write_text("11\t4\tfirst\n")
    with pytest.raises(DistillirError, match=r"run\.tsv:1: rank 'first' is no integer"):
        read_top1000(path, collection)


def test_triples_become_lists_with_positives_first(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "qidpidtriples.tsv"
    # 4 is positive for 11 in one line and negative in another: it is positive.
    path.write_text("11\t3\t2\n10\t1\t0\n11\t3\t4\n11\t4\t1\n11\t3\t2\n")
    run = read_triples(path, collection)
    found = {}
    for place, query in enumerate(run.queries):
        documents, scores = run.of(place)
        found[collection.queries.id(query)] = (collection.corpus.ids(documents), scores.tolist())
    assert found == {"10": (["1", "0"], [1, 0]), "11": (["3", "4", "2", "1"], [1, 1, 0, 0])}


def test_lists_with_a_header(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "triples.tsv"
    path.write_text("qid\tpos_id\tneg_id\n11\t4\t1\n")
    assert [collection.corpus.ids(documents) for documents in read_triples(path, collection).lists] == [["4", "1"]]
    path.write_text("qid\tpid\trank\n11\t4\t1\n11\t3\t2\tan ice\n")
    with pytest.raises(DistillirError, match=r"triples\.tsv:3: 4 tab-separated columns where the first line has 3"):
        read_top1000(path, collection)


def test_lists_that_do_not_fit_the_collection(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "triples.tsv"
    path.write_text("10\t1\t0\n\n10\t1\t999\n")
    with pytest.raises(DistillirError, match=r"triples\.tsv:3: unknown document id '999'; .* of collection "):
        read_triples(path, collection)
    path.write_text("what ended the war\tThe Manhattan Project\tA glacier\n")
    with pytest.raises(DistillirError, match=r"triples\.tsv:1: unknown query id 'what ended the war'"):
        read_triples(path, collection)
    path.write_text("10\t1\n")
    with pytest.raises(DistillirError, match=r"triples\.tsv:1: 2 tab-separated columns; expected qid, positive pid"):
        read_triples(path, collection)
    path.write_text("")
    assert len(read_triples(path, collection)) == 0
    assert len(read_top1000(path, collection)) == 0
