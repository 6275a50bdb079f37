"""Indices that faiss and LanceDB cannot make, or make of little: one line that names the key and the way out."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.retrieval import approximate
from distillir.retrieval.dense import search_vectors
from distillir.retrieval.late_index import LateIndex, sub_vectors
from distillir.retrieval.sources import check_source


def unit(seed: int, count: int, width: int) -> Any:
    vectors = np.random.default_rng(seed).standard_normal((count, width), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def search(factory: str, tmp_path: Path, count: int = 72, **options: Any) -> Any:
    documents = unit(0, count, 48)
    return search_vectors(documents[:3], documents, range(3), 40, factory=factory, cache=tmp_path, **options)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("IVF4096,Flat", "4096 cells for 72 documents"),
        ("IVF0,Flat", "0 cells for 72 documents"),
        ("IVF16,PQ8", r"of 72 documents of 48 dimensions \(Number of training points \(72\).*fewer clusters or bits"),
        ("PQ7", "multiple of the number of subquantizers.*a number of parts that divides"),
        ("OPQ8,IVF4,PQ8", "training points"),
        ("PCA500,Flat", "cannot output 500 dimensions from 48.*fewer dimensions"),
        ("NSG32", "smaller than 100.*Flat"),
        ("LSH", "METRIC_L2.*inner products"),
        ("IDMap,Flat", "add does not.*Flat"),
        ("HNSW0", "a graph without links"),
        ("HNSW1", "a graph without links"),
        ("IFV16,Flat", "could not parse index string IFV16,Flat.*write Flat"),
        ("IVF99999999999,Flat", "smaller numbers"),
        ("", "could not parse"),
    ],
)
def test_a_factory_that_does_not_fit_is_refused_in_one_line(
    factory: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DistillirError, match=message) as refused:
        search(factory, tmp_path)
    assert str(refused.value).startswith("candidates.from: dense.factory: ")
    assert "\n" not in str(refused.value)
    assert "faiss::" not in str(refused.value)
    assert "WARNING" not in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("factory", ["IVF16,Flat", "IVF4,PQ8x4", "SQ8", "HNSW32", "PCA16,Flat"])
def test_what_fits_works_and_few_documents_are_told(
    factory: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = search(factory, tmp_path)
    assert all(rows[0] == place for place, rows in enumerate(run.lists))
    assert all((rows >= 0).all() and len(set(rows)) == len(rows) for rows in run.lists)
    told = capfd.readouterr().err
    assert "WARNING" not in told
    assert ("faiss asks for 624 documents or more to train it" in told) == factory.startswith("IVF")


def test_one_document_and_a_depth_beyond_it(tmp_path: Path) -> None:
    for factory in ("HNSW32", "SQ8", "IVF1,Flat"):
        documents = unit(0, 1, 48)
        run = search_vectors(unit(1, 2, 48), documents, range(2), 100, factory=factory, cache=tmp_path)
        assert [rows.tolist() for rows in run.lists] == [[0], [0]]


def test_short_lists_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = search("IVF16,Flat", tmp_path, search="nprobe = 1")
    assert all(0 < len(rows) < 40 and (rows >= 0).all() for rows in run.lists)
    assert "found fewer than 40 documents for 3 of 3 queries" in capsys.readouterr().err


@pytest.mark.parametrize("parameters", ["nprobe=abc", "nprobe", "nprobe=0", "nprobe=-1", "nprobe=1=2", "nprobe=1;x"])
def test_search_parameters_of_another_form_are_refused(parameters: str, tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match=r"no faiss search parameters.*write them as nprobe=64"):
        search("IVF16,Flat", tmp_path, search=parameters)
    with pytest.raises(DistillirError, match=r"candidates\.from: dense\.search"):
        check_source({"dense": {"factory": "IVF16,Flat", "search": parameters}}, "candidates.from")


def test_a_misspelt_factory_is_refused_before_anything_is_encoded() -> None:
    with pytest.raises(DistillirError, match=r"candidates\.from: dense\.factory: faiss cannot make 'flat'"):
        check_source({"dense": {"factory": "flat"}}, "candidates.from")
    assert check_source({"dense": {"factory": "OPQ16,IVF1024,PQ16"}})[0] == "dense"


def test_vectors_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    documents = unit(0, 72, 48)
    documents[5] = np.nan
    with pytest.raises(DistillirError, match="NaN or an infinity"):
        search_vectors(documents[:3], documents, range(3), 40, factory="HNSW32", cache=tmp_path)


def test_a_broken_index_is_named(tmp_path: Path) -> None:
    search("HNSW32", tmp_path)
    (file,) = tmp_path.glob("*.faiss")
    file.write_bytes(b"broken")
    with pytest.raises(DistillirError, match=r"faiss: cannot be read.*delete it"):
        search("HNSW32", tmp_path)


@pytest.mark.parametrize("factory", ["IVF4,Flat", "HNSW16"])
def test_a_cut_index_is_named(factory: str, tmp_path: Path) -> None:
    search(factory, tmp_path)
    (file,) = tmp_path.glob("*.faiss")
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(DistillirError, match=r"faiss: cannot be read.*delete it"):
        search(factory, tmp_path)


@pytest.mark.parametrize("factory", ["IVF4,Flat", "PCA24,IVF4,Flat", "IVF4,Flat,RFlat"])
def test_lists_of_an_inverted_file_stay_on_disk(factory: str, tmp_path: Path) -> None:
    import faiss

    found = search(factory, tmp_path, search="nprobe=2")
    (file,) = tmp_path.glob("*.faiss")
    mapped = approximate._opened(file)
    inverted: Any = faiss.try_extract_index_ivf(mapped)
    lists = inverted.invlists
    assert isinstance(faiss.downcast_InvertedLists(lists), faiss.OnDiskInvertedLists)
    whole = faiss.read_index(str(file))
    parameters: Any = faiss.ParameterSpace()
    parameters.set_index_parameters(whole, "nprobe=2")
    scores, rows = whole.search(unit(0, 72, 48)[:3], 40)
    assert np.array_equal(found.documents, rows[rows >= 0])
    assert np.array_equal(found.scores, scores[rows >= 0])


def token_vectors(lengths: list[int], width: int) -> Any:
    lists = [unit(row, length, width) for row, length in enumerate(lengths)]

    class Kept:
        rows = len(lists)

        def __iter__(self) -> Any:
            yield 0, lists

        def of(self, rows: Any) -> Any:
            return [lists[int(row)] for row in rows]

    return Kept()


def test_late_index_of_odd_sizes(tmp_path: Path) -> None:
    assert [sub_vectors(width) for width in (128, 96, 30, 7, 2, 1)] == [32, 24, 6, 1, 1, 1]
    for name, lengths in SimpleNamespace(one=[3], empty=[3, 0, 3], none=[0, 0], many=[17] * 600).__dict__.items():
        documents = token_vectors(lengths, 30)
        index = LateIndex(documents, tmp_path / name)
        found = index.search(unit(len(lengths) - 1, 3, 30), 1000, 16)
        assert set(found) <= {row for row, length in enumerate(lengths) if length}
        assert (len(found) > 0) == any(lengths)
        assert len(index.search(unit(0, 0, 30), 10, 16)) == 0
    with pytest.raises(DistillirError, match="not finite"):
        index.search(np.full((1, 30), np.nan, dtype=np.float32), 10, 16)
