from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from teacher_examples import some_lists

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.retrieval.bm25 import BM25Index
from distillir.teachers.bm25 import BM25Teacher
from distillir.teachers.encoders import dense, encoder
from distillir.teachers.encoders.dense import DenseTeacher


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_dense_scores_are_the_models_similarity(
    tiny: Collection, minilm_path: str, tmp_path: Path, similarity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SentenceTransformer(minilm_path, device="cpu", similarity_fn_name=similarity)
    if similarity == "dot":
        del model[2]  # without the normalisation, so that dot product and cosine differ
    model.save_pretrained(str(tmp_path / "model"))
    queries, lists = some_lists(tiny)
    monkeypatch.setattr(encoder, "QUERIES_PER_BLOCK", 4)
    monkeypatch.setattr(dense, "_PAIRS_PER_PRODUCT", 5)
    teacher = DenseTeacher(tmp_path / "model", precision="float32", cache=tmp_path / "vectors")
    scores = teacher.score(tiny, queries, lists)
    for query, rows, found in zip(queries, lists, scores, strict=True):
        if not len(rows):
            assert len(found) == 0
            continue
        left = model.encode_query([tiny.queries.text(int(query))])
        right = model.encode_document(tiny.corpus.texts(rows))
        np.testing.assert_allclose(found, model.similarity(left, right)[0], atol=2e-5)


def test_a_distance_is_refused(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    SentenceTransformer(minilm_path, device="cpu", similarity_fn_name="euclidean").save_pretrained(str(tmp_path / "m"))
    with pytest.raises(DistillirError, match="euclidean"):
        DenseTeacher(tmp_path / "m", cache=tmp_path / "v").score(tiny, np.array([0]), [np.array([0])])


def test_fingerprints_tell_settings_apart(tiny: Collection, minilm_path: str) -> None:
    teachers = [
        DenseTeacher(minilm_path, precision="float32"),
        DenseTeacher(minilm_path, precision="bf16"),
        DenseTeacher(minilm_path, precision="float32", max_length=16),
        BM25Teacher(),
        BM25Teacher(k1=1.2),
        BM25Teacher(stemmer="english"),
    ]
    assert len({teacher.fingerprint(tiny) for teacher in teachers}) == len(teachers)


def test_bm25_scores_agree_with_its_search_also_beyond_what_it_finds(tiny: Collection) -> None:
    index = BM25Index.build_or_load(tiny)
    queries = np.arange(8, dtype=np.int64)
    run = index.search(queries, 10)
    everything = np.arange(len(tiny.corpus), dtype=np.int64)
    scores = BM25Teacher().score(tiny, queries, [everything] * 8)
    for i in range(8):
        documents, found = run.of(i)
        np.testing.assert_allclose(scores[i][documents], found, rtol=1e-5)
        assert (np.delete(scores[i], documents) <= found.min() + 1e-6).all()
