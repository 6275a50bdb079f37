import shutil
from pathlib import Path

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection
from distillir.collections.generated import check_titles, with_generated_queries


def test_generated_queries_stand_behind_the_own_ones(tiny: Collection) -> None:
    wider, rows = with_generated_queries(tiny, sentences=10, seed=1)
    own = len(tiny.queries)
    assert list(rows) == list(range(own, own + 10)) and len(wider.queries) == own + 10
    assert wider.queries.ids(range(own)) == tiny.queries.ids()
    assert wider.queries.texts(range(own)) == tiny.queries.texts()
    assert wider.corpus.fingerprint == tiny.corpus.fingerprint
    for split in tiny.splits:
        np.testing.assert_array_equal(wider.qrels(split).documents, tiny.qrels(split).documents)


def test_each_sentence_is_of_the_document_it_names(tiny: Collection) -> None:
    wider, rows = with_generated_queries(tiny, sentences=20)
    for row in rows:
        kind, _, document = wider.queries.id(int(row)).partition(":")
        text = wider.queries.text(int(row))
        assert kind == "sentence" and text in tiny.corpus.body(tiny.corpus.row(document))
        assert 4 <= len(text.split()) <= 40


def test_the_seed_decides(tiny: Collection) -> None:
    def texts(seed: int) -> list[str]:
        wider, rows = with_generated_queries(tiny, sentences=5, seed=seed)
        return wider.queries.texts(rows)

    assert texts(3) == texts(3) != texts(4)


def test_titles_that_are_not_there_are_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    from distillir.collections import load_collection

    folder = tmp_path_factory.mktemp("untitled")
    (folder / "corpus.jsonl").write_text('{"_id": "a", "text": "Rivers carry sand to the sea."}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "what do rivers carry"}\n')
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t1\n")
    with pytest.raises(DistillirError, match="titles"):
        with_generated_queries(load_collection(folder), titles=3)
    with pytest.raises(DistillirError, match="titles"):
        check_titles(load_collection(folder))


def test_the_same_texts_with_other_judgements_are_another_collection(tiny_beir: Path, tmp_path: Path) -> None:
    with_generated_queries(load_collection(tiny_beir), sentences=7)
    for name in ("corpus.jsonl", "queries.jsonl"):
        shutil.copy(tiny_beir / name, tmp_path)
    wider, _ = with_generated_queries(load_collection(tmp_path), sentences=7)
    assert not wider.splits
