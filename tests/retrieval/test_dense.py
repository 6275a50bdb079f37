"""Vector search: against brute force, for any block size; ties; approximate indices."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.evaluation.search import search_student
from distillir.retrieval import approximate
from distillir.retrieval.dense import DenseRetriever, search_vectors
from distillir.retrieval.exact import exact_search

Vectors = npt.NDArray[np.float32]


def integers(seed: int, *shape: int) -> Vectors:
    """Small whole numbers: inner products are exact, and many tie."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def brute_force(queries: Vectors, documents: Vectors, depth: int) -> tuple[npt.NDArray[np.int64], Vectors]:
    scores = queries @ documents.T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    return order, np.take_along_axis(scores, order, axis=1)


@pytest.mark.parametrize("document_block", [1, 7, 64, 300, 4096])
@pytest.mark.parametrize("query_block", [1, 5, 1024])
def test_exact_search_is_brute_force_for_any_blocks(document_block: int, query_block: int) -> None:
    queries, documents = integers(0, 12, 6), integers(1, 300, 6)
    rows, scores = exact_search(queries, documents, 40, document_block=document_block, query_block=query_block)
    expected_rows, expected_scores = brute_force(queries, documents, 40)
    assert np.array_equal(rows, expected_rows), "ties go by row"
    assert np.array_equal(scores, expected_scores)


def test_depth_beyond_the_corpus_and_no_queries() -> None:
    queries, documents = integers(0, 3, 4), integers(1, 5, 4)
    run = search_vectors(queries, documents, [7, 8, 9], 100)
    assert [len(d) for d in run.lists] == [5, 5, 5]
    assert run.queries.tolist() == [7, 8, 9]
    assert len(search_vectors(queries[:0], documents, [], 10)) == 0


def test_signed_zeros_tie() -> None:
    documents = np.array([[-0.0], [0.0], [-1.0], [-0.0]], dtype=np.float32)
    rows, scores = exact_search(np.ones((1, 1), dtype=np.float32), documents, 4)
    assert rows.tolist() == [[0, 1, 3, 2]]
    assert scores.tolist() == [[0, 0, 0, -1]]


def test_memory_mapped_vectors_of_real_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    documents = rng.standard_normal((500, 16), dtype=np.float32)
    np.save(tmp_path / "v.npy", documents)
    queries = rng.standard_normal((9, 16), dtype=np.float32)
    rows, scores = exact_search(queries, np.load(tmp_path / "v.npy", mmap_mode="r"), 10, document_block=33)
    expected_rows, expected_scores = brute_force(queries, documents, 10)
    assert np.array_equal(rows, expected_rows)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-5)


def test_cosine_does_not_see_lengths() -> None:
    rng = np.random.default_rng(3)
    queries = rng.standard_normal((5, 8), dtype=np.float32)
    documents = rng.standard_normal((50, 8), dtype=np.float32)
    stretched = documents * rng.uniform(0.1, 10, (50, 1)).astype(np.float32)
    plain = search_vectors(queries, documents, range(5), 20, metric="cosine")
    other = search_vectors(queries * 3, stretched, range(5), 20, metric="cosine")
    assert np.array_equal(plain.documents, other.documents)
    np.testing.assert_allclose(plain.scores, other.scores, atol=1e-6)
    assert np.abs(plain.scores).max() <= 1 + 1e-6


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_named(value: float) -> None:
    documents = integers(1, 30, 4)
    documents[17, 2] = value
    with pytest.raises(DistillirError, match="query row 0 and document row 17 is not finite"):
        exact_search(np.ones((2, 4), dtype=np.float32), documents, 3, document_block=8)


def clustered(count: int, dimensions: int = 32) -> Vectors:
    rng = np.random.default_rng(4)
    centres = rng.standard_normal((50, dimensions))
    return (centres[rng.integers(0, 50, count)] + 0.4 * rng.standard_normal((count, dimensions))).astype(np.float32)


@pytest.mark.parametrize("factory", ["IVF32,Flat", "HNSW16", "Flat,RFlat", "RR32,IVF16,Flat"])
@pytest.mark.parametrize("metric", ["ip", "cosine"])
def test_approximate_indices_find_most_neighbours(factory: str, metric: str) -> None:
    documents, queries = clustered(3000), clustered(3100)[3000:]
    exact = search_vectors(queries, documents, range(100), 10, metric=metric)
    near = search_vectors(queries, documents, range(100), 10, metric=metric, factory=factory)
    recall = np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(exact.lists, near.lists, strict=True)])
    assert recall > 0.85


def test_the_search_parameter_counts_and_the_index_is_kept(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path_factory.mktemp("faiss")
    documents, queries = clustered(2000), clustered(2050)[2000:]
    exact = search_vectors(queries, documents, range(50), 10)

    def recall(search: str) -> float:
        near = search_vectors(queries, documents, range(50), 10, factory="IVF64,Flat", search=search, cache=cache)
        return float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(exact.lists, near.lists, strict=True)]))

    low = recall("nprobe=1")
    monkeypatch.setattr(approximate, "_build", lambda *_: pytest.fail("built again"))
    assert low < recall("nprobe=64") == 1.0
    assert len(list(cache.iterdir())) == 1
    with pytest.raises(pytest.fail.Exception, match="built again"):
        search_vectors(queries, documents[::-1], range(50), 10, factory="IVF64,Flat", cache=cache)


def test_places_an_index_leaves_empty_are_no_documents(tmp_path_factory: pytest.TempPathFactory) -> None:
    documents = clustered(400)
    cache = tmp_path_factory.mktemp("faiss")
    run = search_vectors(documents[:3], documents, range(3), 390, factory="IVF16,Flat", search="nprobe=1", cache=cache)
    assert all(0 < len(d) < 390 and d.min() >= 0 for d in run.lists)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factory": "Flatt"}, "faiss cannot make 'Flatt'"),
        ({"factory": "IVF64,Flat"}, "64 cells for 30 documents"),
        ({"factory": "HNSW8", "search": "speed=11"}, "cannot search HNSW8 with 'speed=11'"),
        ({"metric": "l2"}, "unknown metric 'l2'"),
    ],
)
def test_bad_options_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(DistillirError, match=message):
        search_vectors(integers(0, 2, 4), integers(1, 30, 4), [0, 1], 5, **options)  # type: ignore[arg-type]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DistillirError, match="same model"):
        search_vectors(integers(0, 2, 4), integers(1, 30, 5), [0, 1], 5)
    with pytest.raises(DistillirError, match="for 3 queries"):
        search_vectors(integers(0, 2, 4), integers(1, 30, 4), [0, 1, 2], 5)


def test_a_real_model_searches_as_sentence_transformers_does(tiny: Collection, minilm_path: str) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(minilm_path, device="cpu")
    rows = np.array([4, 0, 11])
    run = DenseRetriever(minilm_path, precision="float32").search(tiny, rows, 10)
    scores = model.similarity(
        model.encode_query(tiny.queries.texts(rows)), model.encode_document(tiny.corpus.texts())
    ).numpy()
    for place, row in enumerate(rows):
        documents, values = run.of(place)
        np.testing.assert_allclose(values, np.sort(scores[place])[::-1][:10], atol=1e-5)
        np.testing.assert_allclose(values, scores[place][documents], atol=1e-5)
        assert run.queries[place] == row
    exact = search_student(minilm_path, tiny, rows, depth=10)
    assert np.array_equal(exact.documents, run.documents)


def test_the_model_s_own_similarity_is_used(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize

    model = SentenceTransformer(minilm_path, device="cpu")
    plain = SentenceTransformer(modules=[m for m in model if not isinstance(m, Normalize)], device="cpu")
    for name in ("dot", "cosine"):
        plain.similarity_fn_name = name
        plain.save(str(tmp_path / name))
    rows = np.arange(5)
    cosine = DenseRetriever(str(tmp_path / "cosine"), precision="float32").search(tiny, rows, 5)
    dot = DenseRetriever(str(tmp_path / "dot"), precision="float32").search(tiny, rows, 5)
    assert cosine.scores.max() <= 1 + 1e-6 < dot.scores.max()
    original = DenseRetriever(minilm_path, precision="float32").search(tiny, rows, 5)
    np.testing.assert_allclose(cosine.scores, original.scores, atol=1e-5)


def test_a_model_that_compares_otherwise_is_refused(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(minilm_path, device="cpu", similarity_fn_name="euclidean")
    model.save(str(tmp_path / "m"))
    with pytest.raises(DistillirError, match="compares vectors by euclidean"):
        DenseRetriever(str(tmp_path / "m")).search(tiny, np.arange(2), 5)


@pytest.mark.parametrize("memory", [1, 3000, 1 << 30])
def test_documents_are_read_once_for_all_queries_that_fit(memory: int) -> None:
    class Counted:
        shape, read = (50, 4), 0

        def __len__(self) -> int:
            return 50

        def __getitem__(self, part: slice) -> Vectors:
            self.read += 1
            return documents[part]

    queries, documents, counted = integers(0, 40, 4), integers(1, 50, 4), Counted()
    rows, scores = exact_search(queries, counted, 5, document_block=10, query_block=10, memory=memory)  # type: ignore[arg-type]
    # 10 queries of 4 numbers and 5 documents take 560 bytes.
    assert counted.read == {1: 20, 3000: 5, 1 << 30: 5}[memory]
    expected_rows, expected_scores = brute_force(queries, documents, 5)
    assert np.array_equal(rows, expected_rows)
    assert np.array_equal(scores, expected_scores)


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_documents_in_the_order_of_their_scores(order: str) -> None:
    documents = np.arange(200, dtype=np.float32)[:: 1 if order == "ascending" else -1, None].repeat(2, axis=1) // 3
    queries = np.array([[1, 0], [-1, 0], [0, 0]], dtype=np.float32)
    rows, scores = exact_search(queries, documents, 7, document_block=16)
    expected_rows, expected_scores = brute_force(queries, documents, 7)
    assert np.array_equal(rows, expected_rows)
    assert np.array_equal(scores, expected_scores)
