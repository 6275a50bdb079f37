"""Hub repositories in BEIR form, read by `datasets` from local folders of the same layout."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection


def jsonl(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def configurations(entries: dict[str, dict[str, str]]) -> str:
    """The head of a repository's README that names its configurations."""
    lines = ["---", "configs:"]
    for name, files in entries.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        for split, file in files.items():
            lines += [f"  - split: {split}", f"    path: {file}"]
    return "\n".join([*lines, "---", ""])


def judgements(tiny_beir: Path, split: str) -> list[dict[str, str | int]]:
    lines = (tiny_beir / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    cells = [line.split("\t") for line in lines]
    return [{"query-id": query, "corpus-id": document, "score": int(grade)} for query, document, grade in cells]


@pytest.fixture(autouse=True)
def datasets_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "datasets-cache")


@pytest.fixture
def repository(tiny_beir: Path, tmp_path: Path) -> Path:
    """Corpus and queries as parquet, as BeIR's repositories have them."""
    folder = tmp_path / "BeIR" / "tiny"
    for name in ("corpus", "queries"):
        (folder / name).mkdir(parents=True)
        rows = jsonl(tiny_beir / f"{name}.jsonl")
        Dataset.from_list([{"title": "", **row} for row in rows]).to_parquet(folder / name / "part-0.parquet")
    parts = {name: {name: f"{name}/part-0.parquet"} for name in ("corpus", "queries")}
    (folder / "README.md").write_text(configurations(parts))
    return folder


def test_judgements_in_a_repository_beside_it(repository: Path, tiny: Collection, tiny_beir: Path) -> None:
    beside = repository.with_name("tiny-qrels")
    (beside / "qrels").mkdir(parents=True)
    for split in tiny.splits:
        shutil.copy(tiny_beir / "qrels" / f"{split}.tsv", beside / f"{split}.tsv")
    names = {"train": "train.tsv", "validation": "dev.tsv", "test": "test.tsv"}
    (beside / "README.md").write_text(configurations({"default": names}))
    collection = load_collection(f"hf:{repository}")
    assert (collection.name, collection.fingerprint) == ("tiny", tiny.fingerprint)
    assert collection.splits == ["train", "dev", "test"]
    for split in tiny.splits:
        for name in ("queries", "documents", "grades"):
            assert np.array_equal(getattr(collection.qrels(split), name), getattr(tiny.qrels(split), name))


def test_judgements_in_the_repository_itself(repository: Path, tiny: Collection, tiny_beir: Path) -> None:
    Dataset.from_list(judgements(tiny_beir, "test")).to_parquet(repository / "test.parquet")
    parts = {name: {name: f"{name}/part-0.parquet"} for name in ("corpus", "queries")}
    (repository / "README.md").write_text(configurations({**parts, "default": {"test": "test.parquet"}}))
    collection = load_collection(f"hf:{repository}")
    assert collection.splits == ["test"]
    assert np.array_equal(collection.qrels("test").documents, tiny.qrels("test").documents)


def test_without_judgements_there_are_no_splits(repository: Path, tiny: Collection) -> None:
    collection = load_collection({"path": f"hf:{repository}", "name": "unjudged"})
    assert (collection.name, collection.splits) == ("unjudged", [])
    assert collection.fingerprint == tiny.fingerprint


def test_other_names_are_known(repository: Path, tiny: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    texts = zip(tiny.corpus.ids(), tiny.corpus.titles(), tiny.corpus.bodies(), strict=True)
    corpus = [{"docid": i, "title": title, "contents": text, "url": "x"} for i, title, text in texts]
    Dataset.from_list(corpus).to_parquet(repository / "corpus" / "part-0.parquet")
    judged = [{"qid": "q1", "pid": "bee-dance", "label": "2"}]
    Dataset.from_list(judged).to_parquet(repository / "test.parquet")
    parts = {name: {name: f"{name}/part-0.parquet"} for name in ("corpus", "queries")}
    (repository / "README.md").write_text(configurations({**parts, "qrels": {"test": "test.parquet"}}))
    collection = load_collection(f"hf:{repository}")
    assert collection.fingerprint == tiny.fingerprint
    assert collection.qrels("test").grades.tolist() == [2]
    told = " ".join(capsys.readouterr().err.split())
    assert "corpus: id is 'docid', text is 'contents'" in told and "keys not read: url (62 lines)" in told


def test_mistakes_are_named(repository: Path, tiny_beir: Path, tmp_path: Path) -> None:
    judged: list[dict[str, str | float]] = [{"query-id": "q1", "corpus-id": "bee-dance", "score": 0.5}]
    Dataset.from_list(judged).to_parquet(repository / "test.parquet")
    parts = {name: {name: f"{name}/part-0.parquet"} for name in ("corpus", "queries")}
    (repository / "README.md").write_text(configurations({**parts, "qrels": {"test": "test.parquet"}}))
    with pytest.raises(DistillirError, match=r"qrels test:1: grade 0\.5 is no integer"):
        load_collection(f"hf:{repository}")
    Dataset.from_list([{"query": "q1"}]).to_parquet(repository / "test.parquet")
    with pytest.raises(
        DistillirError, match=r"qrels test:1: no judgement under these keys: 'query'; call them query-id"
    ):
        load_collection(f"hf:{repository}")
    Dataset.from_list([{"_id": "a"}]).to_parquet(repository / "corpus" / "part-0.parquet")
    with pytest.raises(DistillirError, match=r"corpus:1: no 'text'"):
        load_collection(f"hf:{repository}")
    shutil.rmtree(repository / "corpus")
    with pytest.raises(DistillirError, match=r"hf:.*: datasets cannot load it .*; check the name"):
        load_collection(f"hf:{repository}")
