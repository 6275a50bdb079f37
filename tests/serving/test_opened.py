"""Opened retrievers rank one text as their retrievers rank a query of that text."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.retrieval import opened_late
from distillir.retrieval.bm25_retriever import BM25Retriever
from distillir.retrieval.opened import OpenedFusion, best_rows, open_retriever
from distillir.retrieval.sources import load_retriever
from distillir.students.kept_documents.kind import KeptDocumentsKind
from distillir.students.kept_documents.named_kind import kept_kind
from distillir.students.kept_documents.spec import DocumentsSpec
from distillir.students.load import load_student
from distillir.students.registry import student_kind


def _same(retriever: Any, collection: Collection, first: Any = None, depth: int = 12) -> None:
    rows = np.arange(len(collection.queries), dtype=np.int64)[:8]
    run = retriever.search(collection, rows, depth)
    opened = open_retriever(retriever, collection, first)
    for place, row in enumerate(rows.tolist()):
        found, scores = opened.search_text(collection.queries.text(row), depth)
        expected, values = run.of(place)
        np.testing.assert_allclose(scores, values, rtol=2e-5, atol=1e-5)
        # Rounding may turn documents of the same score around.
        differ = found != expected
        assert np.allclose(scores[differ], values[differ], rtol=2e-5, atol=1e-5) and set(found) == set(expected)


def test_bm25(tiny: Collection) -> None:
    _same(load_retriever({"bm25": {"stemmer": "english"}}), tiny)
    assert not len(open_retriever(BM25Retriever(), tiny).search_text("of the", 5)[0])


def test_dense(tiny: Collection, small_models: Path) -> None:
    _same(student_kind("dense").retriever(str(small_models / "base")), tiny)


def test_sparse(tiny: Collection, mlm_path: str, tmp_path: Path) -> None:
    load_student(mlm_path, kind="sparse", max_length=32, device="cpu").save_pretrained(str(tmp_path / "sparse"))
    _same(student_kind("sparse").retriever(str(tmp_path / "sparse")), tiny)


@pytest.fixture(scope="module")
def late(minilm_path: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("late") / "student"
    model = load_student(minilm_path, kind="multi-vector", layers=1, max_length=32, device="cpu")
    model.save_pretrained(str(path))
    return str(path)


@pytest.mark.parametrize("first", [None, "bm25", "index"])
def test_multi_vector(tiny: Collection, late: str, first: str | None) -> None:
    _same(load_retriever({"multi-vector": {"model": late, "first": first, "precision": "float32"}}), tiny)


def test_a_large_corpus_of_token_vectors_is_not_compared_whole(
    tiny: Collection, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened_late, "EXHAUSTIVE_AT_ONCE", 10)
    opened = open_retriever(load_retriever({"multi-vector": {"model": late}}), tiny)
    text = tiny.queries.text(0)
    found, _ = opened.search_text(text, len(tiny.corpus))
    words, _ = open_retriever(BM25Retriever(), tiny).search_text(text, len(tiny.corpus))
    assert 0 < len(found) < len(tiny.corpus) and set(found) == set(words)


def test_kept_documents(tiny: Collection, small_models: Path) -> None:
    spec = DocumentsSpec.model_validate({"dense": {"model": str(small_models / "base"), "max_length": 16}})
    _same(KeptDocumentsKind(spec).retriever(str(small_models / "base")), tiny)


def test_kept_token_vectors(tiny: Collection, late_model: str) -> None:
    spec = DocumentsSpec.model_validate({"multi-vector": {"model": late_model, "max_length": 16}})
    _same(kept_kind(spec).retriever(late_model), tiny)


def test_kept_words(tiny: Collection, word_model: str) -> None:
    spec = DocumentsSpec.model_validate({"sparse": {"model": word_model, "max_length": 16}})
    _same(kept_kind(spec).retriever(word_model), tiny)


def test_kept_vectors_of_16_bits_in_another_order(tiny: Collection, small_models: Path, tmp_path: Path) -> None:
    from distillir.encoding.vectors import encode_table

    vectors = np.array(encode_table(str(small_models / "base"), tiny.corpus, kind="document"), dtype=np.float16)
    order = np.random.default_rng(0).permutation(len(vectors))
    (tmp_path / "vectors").mkdir()
    for number, part in enumerate(np.array_split(order, 3)):
        np.save(tmp_path / "vectors" / f"{number}.npy", vectors[part])
    (tmp_path / "ids.txt").write_text("".join(f"{tiny.corpus.id(int(row))}\n" for row in order), encoding="utf-8")
    given = {"vectors": str(tmp_path / "vectors"), "ids": str(tmp_path / "ids.txt"), "similarity": "cosine"}
    kind = KeptDocumentsKind(DocumentsSpec.model_validate(given))
    _same(kind.retriever(str(small_models / "base")), tiny)


def test_cross_encoder_ranks_what_its_first_stage_finds(tiny: Collection, small_models: Path) -> None:
    bm25 = BM25Retriever()

    def candidates(collection: Collection, rows: Rows) -> Run:
        return bm25.search(collection, rows, 12)

    retriever = student_kind("cross-encoder").retriever(str(small_models / "cross-encoder"), candidates=candidates)
    _same(retriever, tiny, OpenedFusion([_Cut(open_retriever(bm25, tiny))], "rrf", None))
    with pytest.raises(DistillirError, match="nothing finds them"):
        open_retriever(retriever, tiny)


class _Cut:
    """The first 12 documents of a retriever, as the candidates above are."""

    name = "cut"

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def search_text(self, text: str, depth: int) -> Any:
        return self.inner.search_text(text, 12)


def test_fusion_of_two(tiny: Collection, small_models: Path) -> None:
    from distillir.retrieval.fusion import fuse

    dense = student_kind("dense").retriever(str(small_models / "base"))
    rows = np.array([0, 1])
    expected = fuse([source.search(tiny, rows, 10) for source in (BM25Retriever(), dense)], how="rrf", depth=10)
    both = OpenedFusion([open_retriever(source, tiny) for source in (BM25Retriever(), dense)], "rrf", None)
    for place, row in enumerate(rows.tolist()):
        found, scores = both.search_text(tiny.queries.text(row), 10)
        np.testing.assert_array_equal(found, expected.of(place)[0])
        np.testing.assert_allclose(scores, expected.of(place)[1])


def test_what_cannot_be_opened_is_refused() -> None:
    class Other:
        name = "other"

    with pytest.raises(DistillirError, match="other: cannot be asked one query at a time"):
        open_retriever(Other(), None)  # type: ignore[arg-type]


def test_best_rows_break_ties_by_row() -> None:
    rows, scores = best_rows(np.array([1, 3, 2, 3, 3], dtype=np.float32), 3)
    assert rows.tolist() == [1, 3, 4] and scores.tolist() == [3, 3, 3]
    assert best_rows(np.array([1, 2], dtype=np.float32), 5)[0].tolist() == [1, 0]
