"""Search of narrow vectors: exact for what they are; narrow scans that the vectors themselves order."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding.narrow import NarrowVectors, Stored, narrowed
from distillir.encoding.narrow_copies import ScanCopy
from distillir.encoding.store import VectorStore
from distillir.retrieval.dense import DenseRetriever, search_vectors
from distillir.retrieval.exact import exact_search
from distillir.retrieval.rescore import certain, rescore, scan_and_rescore
from distillir.retrieval.sources import check_source

Vectors = npt.NDArray[np.float32]


def clumps(rows: int, width: int = 32, *, apart: float = 0.02) -> Vectors:
    """Vectors in clumps so tight that int8 cannot tell many neighbours from each other."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((12, width))
    found = centres[rng.integers(0, 12, rows)] + apart * rng.standard_normal((rows, width))
    return found.astype(np.float32)


def store_of(vectors: Vectors, folder: Path) -> VectorStore:
    store = VectorStore(folder, len(vectors), vectors.shape[1])
    store.write(np.arange(len(vectors)), vectors)
    return store


@pytest.mark.parametrize("cosine", [False, True])
@pytest.mark.parametrize("form", ["float16", "int8"])
def test_narrow_vectors_are_searched_as_the_same_numbers_in_float32_to_the_bit(form: Stored, cosine: bool) -> None:
    documents, queries = clumps(700), clumps(9)
    narrow = NarrowVectors(*narrowed(documents, form))
    for block in (64, 4096):
        found = exact_search(queries, narrow, 50, cosine=cosine, document_block=block)
        expected = exact_search(queries, narrow[:], 50, cosine=cosine, document_block=block)
        assert all(np.array_equal(a, b) for a, b in zip(list[Any](found), list[Any](expected), strict=True))


@pytest.mark.parametrize("cosine", [False, True])
@pytest.mark.parametrize("form", ["float16", "int8"])
def test_lists_that_are_called_certain_are_the_exact_ones(
    form: Stored, cosine: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents, queries = clumps(2000), np.random.default_rng(3).standard_normal((60, 32)).astype(np.float32)
    copy = ScanCopy(store_of(documents, tmp_path), form)
    exact_rows, exact_scores = exact_search(queries, documents, 10, cosine=cosine)
    states = set()
    for times in (1, 4, 40):
        found, scanned = exact_search(queries, copy.vectors, 10 * times, cosine=cosine)
        best = rescore(queries, documents, found, 10, cosine=cosine)
        sure = certain(queries, best, scanned[:, -1], copy.error(cosine=cosine), cosine)
        assert (np.sort(best.rows[sure]) == np.sort(exact_rows[sure])).all()
        np.testing.assert_allclose(best.scores[sure], exact_scores[sure], rtol=1e-5, atol=1e-5)
        states.add((bool(sure.any()), bool(sure.all())))
        capsys.readouterr()
        rows, scores = scan_and_rescore(queries, documents, copy, 10, times, cosine=cosine)
        assert np.array_equal(rows, best.rows) and np.array_equal(scores, best.scores)
        assert ("lists are certainly the exact ones" in capsys.readouterr().err) == (not sure.all())
    assert (True, True) in states, "deep enough, all of them are"
    assert form == "float16" or (False, False) in states or (True, False) in states, "and not from the start"


def test_a_scan_of_everything_is_exact_and_ties_go_by_row(tmp_path: Path) -> None:
    documents = np.random.default_rng(1).integers(-3, 4, (60, 5)).astype(np.float32)
    queries = np.random.default_rng(2).integers(-3, 4, (7, 5)).astype(np.float32)
    copy = ScanCopy(store_of(documents, tmp_path), "int8")
    rows, scores = scan_and_rescore(queries, documents, copy, 20, 3, cosine=False)
    expected_rows, expected_scores = exact_search(queries, documents, 20)
    assert np.array_equal(rows, expected_rows) and np.array_equal(scores, expected_scores)
    assert len(search_vectors(queries[:0], documents, [], 10, scan=copy)) == 0


def test_what_an_index_finds_is_scored_by_the_vectors_where_that_is_asked_for(tmp_path: Path) -> None:
    documents, queries = clumps(3000, apart=0.3), clumps(20, apart=0.3)
    options: dict[str, Any] = {"factory": "IVF16,PQ8x4", "search": "nprobe=16", "cache": tmp_path}
    plain = search_vectors(queries, documents, range(20), 10, **options)
    anew = search_vectors(queries, documents, range(20), 10, rescore=8, **options)
    exact = search_vectors(queries, documents, range(20), 10)

    def overlap(run: Any) -> float:
        return float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(run.lists, exact.lists, strict=True)]))

    assert overlap(plain) < overlap(anew) and overlap(anew) > 0.5
    for place in range(20):
        rows, scores = anew.of(place)
        np.testing.assert_allclose(scores, documents[rows] @ queries[place], rtol=1e-5)


@pytest.mark.parametrize("options", [{"stored": "float16"}, {"stored": "int8"}, {"scan": "int8"}, {"scan": "float16"}])
def test_real_vectors_stored_or_scanned_narrow(options: dict[str, Any], tiny: Collection, minilm_path: str) -> None:
    queries = np.arange(len(tiny.queries))
    exact = DenseRetriever(minilm_path, precision="float32").search(tiny, queries, 10)
    retriever = DenseRetriever(minilm_path, precision="float32", **options)
    run = retriever.search(tiny, queries, 10)
    if "scan" in options:
        assert np.array_equal(run.documents, exact.documents)
        np.testing.assert_allclose(run.scores, exact.scores, atol=2e-6)
    else:
        same = [len(np.intersect1d(a, b)) for a, b in zip(run.lists, exact.lists, strict=True)]
        assert np.mean(same) >= 9.5
        assert not np.array_equal(run.scores, exact.scores), "of the numbers that are kept"
    rows, scores = retriever.opened(tiny).search_text(tiny.queries.text(3), 10)
    if "stored" in options:
        assert np.array_equal(rows, run.lists[3])
        np.testing.assert_allclose(scores, run.of(3)[1], atol=2e-6)
    else:
        assert np.array_equal(rows, exact.lists[3])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rescore": 4}, "nothing to score anew"),
        ({"scan": "int8", "factory": "IVF4,Flat"}, "two ways to search"),
        ({"scan": "int8", "stored": "int8"}, "a copy as int8 of vectors that are stored as int8"),
        ({"scan": "float16", "stored": "int8"}, "a copy as float16 of vectors that are stored as int8"),
        ({"stored": "int4"}, "stored"),
        ({"scan": "int8", "rescore": 0}, "rescore"),
    ],
)
def test_options_that_change_nothing_or_cannot_be_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillirError, match=said):
        check_source({"dense": {"model": "m", **options}})
