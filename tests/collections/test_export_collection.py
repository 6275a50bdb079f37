"""What is exported and imported again is the same collection."""

from pathlib import Path

import ir_measures
import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection, write_beir, write_msmarco, write_qrels_trec


def assert_same(one: Collection, other: Collection) -> None:
    assert other.fingerprint == one.fingerprint
    assert other.splits == one.splits
    for split in one.splits:
        for name in ("queries", "documents", "grades"):
            assert np.array_equal(getattr(other.qrels(split), name), getattr(one.qrels(split), name))


def test_beir_round_trip(tiny: Collection, tmp_path: Path) -> None:
    write_beir(tiny, tmp_path / "out")
    assert_same(tiny, load_collection(tmp_path / "out"))
    write_beir(tiny, tmp_path / "out")  # an earlier export may be replaced


def test_other_files_are_never_removed(tiny: Collection, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for write in (write_beir, write_msmarco):
        with pytest.raises(DistillirError, match=r"holds other files \(thesis\.tex\)"):
            write(tiny, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_trec_judgements_round_trip_and_read_by_others(tiny: Collection, tiny_beir: Path, tmp_path: Path) -> None:
    paths = {}
    for split in tiny.splits:
        paths[split] = str(tmp_path / f"{split}.trec")
        write_qrels_trec(tiny, split, Path(paths[split]))
    corpus, queries = str(tiny_beir / "corpus.jsonl"), str(tiny_beir / "queries.jsonl")
    assert_same(tiny, load_collection({"documents": corpus, "queries": queries, "qrels": paths}))
    others = list(ir_measures.read_trec_qrels(paths["train"]))
    assert ("q%2010", "piano-tuning", 1) in [(judged.query_id, judged.doc_id, judged.relevance) for judged in others]
    assert len(others) == len(tiny.qrels("train"))


def test_msmarco_round_trip_keeps_texts_and_judgements(tiny: Collection, tmp_path: Path) -> None:
    write_msmarco(tiny, tmp_path / "out")
    again = load_collection(tmp_path / "out")
    assert again.corpus.texts() == tiny.corpus.texts()
    assert again.queries.fingerprint == tiny.queries.fingerprint
    for split in tiny.splits:
        assert np.array_equal(again.qrels(split).documents, tiny.qrels(split).documents)
    # Without titles the form holds everything.
    write_msmarco(again, tmp_path / "again")
    assert_same(again, load_collection(tmp_path / "again"))


def test_ids_that_a_form_cannot_hold(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "qrels").mkdir(parents=True)
    (source / "corpus.jsonl").write_text('{"_id": "a\\tb%20", "text": "two\\nlines"}\n')
    (source / "queries.jsonl").write_text('{"_id": "a b", "text": "t"}\n')
    (source / "qrels" / "test.trec").write_text("a%20b 0 a%09b%2520 1\n")
    collection = load_collection(source)
    assert len(collection.qrels("test")) == 1
    for write in (write_beir, write_msmarco):
        with pytest.raises(DistillirError, match="holds a tab or a line break"):
            write(collection, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    write_qrels_trec(collection, "test", tmp_path / "test.trec")
    assert (tmp_path / "test.trec").read_text() == "a%20b 0 a%09b%2520 1\n"
