"""Teachers score documents joined to a collection as if they had always been there, and know what they read."""

from pathlib import Path

import numpy as np
import pytest
from teacher_examples import some_lists, untrained_cross_encoder

from distillir.collections import Collection, TextTable
from distillir.collections.joined import with_documents
from distillir.collections.table_writer import TableWriter
from distillir.teachers.bm25 import BM25Teacher
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teachers.encoders.dense import DenseTeacher
from distillir.teachers.ensemble import EnsembleTeacher


@pytest.fixture
def copies(tiny: Collection, tmp_path: Path) -> TextTable:
    """The corpus again, under other ids, so that every score is known; and one text of words it does not have."""
    writer = TableWriter(tmp_path, "document")
    for row, text in enumerate(tiny.corpus.texts()):
        writer.add(f"copy {row}", text)
    writer.add("foreign", "Quixotic zyzzyva")
    writer.close()
    return TextTable(tmp_path)


@pytest.mark.parametrize("settings", [{}, {"k1": 1.5, "b": 0.75, "stemmer": "english"}])
def test_bm25_scores_texts_by_the_corpus_it_knows(
    tiny: Collection, copies: TextTable, settings: dict[str, float]
) -> None:
    teacher, edge = BM25Teacher(**settings), len(tiny.corpus)  # type: ignore[arg-type]
    queries, lists = some_lists(tiny)
    wider = with_documents(tiny, copies)
    expected = teacher.score(tiny, queries, lists)
    both = teacher.score(wider, queries, [np.concatenate([rows, rows + edge]) for rows in lists])
    for own, joined in zip(expected, both, strict=True):
        np.testing.assert_array_equal(joined[: len(own)], own)
        np.testing.assert_allclose(joined[len(own) :], own, rtol=1e-5)
    assert any(scores.any() for scores in expected)
    assert teacher.fingerprint(wider) == teacher.fingerprint(tiny)
    (foreign,) = teacher.score(wider, queries[:1], [np.array([2 * edge])])
    assert foreign.tolist() == [0.0]


def test_dense_and_ensemble_keep_the_vectors_they_have(tiny: Collection, copies: TextTable, whole_minilm: str) -> None:
    dense, edge = DenseTeacher(whole_minilm, precision="float32"), len(tiny.corpus)
    queries, lists = some_lists(tiny)
    wider = with_documents(tiny, copies)
    mixed = [np.concatenate([rows + edge, rows]) for rows in lists]
    for own, joined in zip(dense.score(tiny, queries, lists), dense.score(wider, queries, mixed), strict=True):
        np.testing.assert_allclose(joined, np.concatenate([own, own]), atol=1e-5)
    ensemble = EnsembleTeacher([BM25Teacher(), dense], normalise="none")
    for known, both in zip(ensemble.score(tiny, queries, lists), ensemble.score(wider, queries, mixed), strict=True):
        np.testing.assert_allclose(both, np.concatenate([known, known]), atol=1e-5)


def test_what_a_teacher_reads(whole_minilm: str) -> None:
    short, long = "a few words", "word " * 60
    encoder = CrossEncoderTeacher(untrained_cross_encoder(whole_minilm), max_length=32)
    assert encoder.reads("query", short) and not encoder.reads("query", long)
    # [CLS] query [SEP] 28 words [SEP] are 32 tokens; a query of two words leaves room for one less.
    assert encoder.reads("query", "word " * 28) and not encoder.reads("query", "word " * 29)
    assert not encoder.reads("query query", "word " * 28)
    dense = DenseTeacher(whole_minilm, max_length=16)
    assert dense.reads("query " * 99, "word " * 14) and not dense.reads("query", "word " * 15)
    assert BM25Teacher().reads("query", long)
    assert not EnsembleTeacher([BM25Teacher(), dense]).reads("query", long)
    assert EnsembleTeacher([BM25Teacher(), dense]).reads("query", short)
