"""ir_datasets: an id and its subsets become one collection. Its own readers are used, on files of this test."""

import builtins
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import ir_datasets
import numpy as np
import pytest
from ir_datasets.datasets.base import Dataset
from ir_datasets.formats import BaseDocs, BaseQrels, TrecQrels, TrecSubQrel, TsvDocs, TsvQueries
from ir_datasets.util import LocalDownload

from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection


@pytest.fixture
def identifier(tiny: Collection, tmp_path: Path) -> str:
    """A dataset registered with ir_datasets, with subsets as BEIR's and MS MARCO's have them."""
    name = f"tiny-{uuid.uuid4().hex}"

    def local(file: str, lines: list[str]) -> Any:
        (tmp_path / file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return LocalDownload(tmp_path / file)

    ids = [i.replace(" ", "_") for i in tiny.corpus.ids()]
    texts = zip(ids, tiny.corpus.texts(), strict=True)
    documents = TsvDocs(local("docs.tsv", [f"{i}\t{text}" for i, text in texts]))
    subsets: dict[str, Any] = {}
    for split in tiny.splits:
        qrels = tiny.qrels(split)
        queries = [f"{tiny.queries.id(q).replace(' ', '_')}\t{tiny.queries.text(q)}" for q in qrels.query_rows]
        judged = [
            f"{tiny.queries.id(q).replace(' ', '_')} 0 {ids[d]} {grade}"
            for q, d, grade in zip(qrels.queries, qrels.documents, qrels.grades, strict=True)
        ]
        subsets[split] = (
            TsvQueries(local(f"{split}.tsv", queries)),
            TrecQrels(local(f"{split}.qrels", judged), {0: "no", 1: "yes", 2: "very"}),
        )
    registry = ir_datasets.registry
    registry.register(name, Dataset(documents))
    for split, (split_queries, split_qrels) in subsets.items():
        registry.register(f"{name}/{split}", Dataset(documents, split_queries, split_qrels))
    registry.register(f"{name}/dev/small", Dataset(documents, *subsets["dev"]))
    registry.register(f"{name}/eval", Dataset(documents, TsvQueries(local("eval.tsv", ["e1\thow do cats purr"]))))
    return name


def test_subsets_become_splits(identifier: str, tiny: Collection) -> None:
    collection = load_collection(f"irds:{identifier}")
    assert collection.splits == ["train", "dev", "test"]
    assert collection.corpus.texts() == tiny.corpus.texts()
    assert len(collection.queries) == len(tiny.queries)
    for split in tiny.splits:
        assert np.array_equal(np.sort(collection.qrels(split).documents), np.sort(tiny.qrels(split).documents))
        assert len(collection.query_rows(split)) == len(tiny.query_rows(split))


def test_named_splits_and_one_subset_alone(identifier: str) -> None:
    chosen = load_collection({"path": f"irds:{identifier}", "splits": ["dev/small", "eval"]})
    assert chosen.splits == ["dev-small", "eval"]
    assert chosen.queries.texts(chosen.query_rows("eval")) == ["how do cats purr"]
    alone = load_collection(f"irds:{identifier}/train")
    assert (alone.splits, len(alone.qrels("train")), len(alone.corpus)) == (["train"], 19, 62)
    with pytest.raises(DistillirError, match="no split 'nowhere'"):
        load_collection({"path": f"irds:{identifier}", "splits": ["nowhere"]})


def test_judgements_by_subtopic_and_fields_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Article(NamedTuple):
        doc_id: str
        headline: str
        body: str
        source_xml: str

    class Articles(BaseDocs):
        def docs_cls(self) -> type[Article]:
            return Article

        def docs_iter(self) -> Iterator[Article]:
            return iter([Article("d1", "Ice", "is cold", "<x/>"), Article("d2", "Tea", "is hot", "<x/>")])

        def docs_count(self) -> int:
            return 2

    class Sided(BaseQrels):
        def qrels_cls(self) -> Any:
            return TrecSubQrel

        def qrels_iter(self) -> Iterator[TrecSubQrel]:
            return iter(
                [TrecSubQrel("1", "d1", 0, "1"), TrecSubQrel("1", "d1", 2, "2"), TrecSubQrel("1", "d2", 1, "1")]
            )

    name = f"sided-{uuid.uuid4().hex}"
    (tmp_path / "q.tsv").write_text("1\twhat is cold\n")
    queries = TsvQueries(LocalDownload(tmp_path / "q.tsv"))
    ir_datasets.registry.register(name, Dataset(Articles(), queries, Sided()))
    collection = load_collection(f"irds:{name}")
    assert collection.corpus.texts() == ["Ice is cold", "Tea is hot"]
    assert collection.qrels("test").grades.tolist() == [2, 1]
    told = " ".join(capsys.readouterr().err.split())
    assert "text is 'body'; fields of documents not read: source_xml" in told
    assert "1 pairs of query and document are judged more than once and count once, with the best grade" in told


def test_what_fails_inside_is_said_in_one_line(identifier: str, tmp_path: Path) -> None:
    (tmp_path / "docs.tsv").write_text("a line without a tab\n")
    with pytest.raises(DistillirError, match=f"irds:{identifier}: ir_datasets cannot read it .*expected 2 fields"):
        load_collection(f"irds:{identifier}")


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("ir_datasets"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DistillirError, match=r"pip install 'distillir\[irds\]'"):
        load_collection("irds:beir/scifact")
