"""Queries that are documents: left out of every source, of fusion, of a student's search."""

from pathlib import Path

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.evaluation.search import search_student
from distillir.retrieval.bm25_retriever import BM25Retriever
from distillir.retrieval.candidates import mine_candidates
from distillir.retrieval.own_document import search, without_own
from distillir.retrieval.recipe_form import mine_from_spec
from distillir.retrieval.trec import write_run
from distillir.students.load import load_student
from same_texts import arguana


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return arguana(tmp_path_factory.mktemp("own") / "arguana")


def _own(opened: Collection, run: Run) -> int:
    """Of how many queries the list holds the query itself."""
    names = opened.corpus.ids()
    found = zip(opened.queries.ids(run.queries), run.lists, strict=True)
    return sum(query in [names[row] for row in rows] for query, rows in found)


DENSE = {"dense": "all-MiniLM-L6-v2"}


@pytest.mark.parametrize("source", ["bm25", DENSE, "multi-vector", "sparse", ["bm25", DENSE]], ids=str)
def test_no_source_finds_the_query_itself_and_lists_are_as_deep(
    opened: Collection, source: object, tmp_path: Path, whole_minilm: str, mlm_path: str
) -> None:
    if source == "multi-vector":
        load_student(whole_minilm, kind="multi-vector", layers=1, device="cpu").save_pretrained(str(tmp_path / "m"))
        source = {"multi-vector": str(tmp_path / "m")}
    elif source == "sparse":
        load_student(mlm_path, kind="sparse", device="cpu").save_pretrained(str(tmp_path / "m"))
        source = {"sparse": str(tmp_path / "m")}
    queries = np.arange(6)
    run = mine_from_spec(opened, queries, {"from": source, "depth": 5})
    assert _own(opened, run) == 0 and [len(found) for found in run.lists] == [5] * 6
    kept = mine_from_spec(opened, queries, {"from": source, "depth": 5}, own_document="keep")
    assert _own(opened, kept) == 6 and [len(found) for found in kept.lists] == [5] * 6


def test_a_run_from_elsewhere_loses_it_too(opened: Collection, tmp_path: Path) -> None:
    whole = BM25Retriever().search(opened, np.arange(6), 12)
    write_run(whole, opened, tmp_path / "bm25.trec")
    spec = {"from": {"trec": str(tmp_path / "bm25.trec")}, "depth": 4}
    run = mine_from_spec(opened, np.arange(6), spec)
    assert _own(opened, run) == 0 and [len(found) for found in run.lists] == [4] * 6
    assert _own(opened, without_own(whole, opened)) == 0 and without_own(whole, opened, own_document="keep") is whole
    assert len(without_own(whole, opened).documents) == len(whole.documents) - 6


def test_it_is_gone_before_sources_are_fused(opened: Collection) -> None:
    class First:
        """Ranks the query's own document first with a score that would squeeze all others."""

        name = "first"

        def search(self, collection: Collection, query_rows: np.ndarray, depth: int) -> Run:
            found = [np.concatenate([[q], np.arange(6, 12)])[:depth] for q in query_rows]
            scores = [np.array([1e6, 6, 5, 4, 3, 2, 1], dtype=np.float32)[:depth] for _ in query_rows]
            return from_lists(query_rows, found, scores, self.name)

    run = mine_candidates(opened, np.arange(6), [First(), First()], depth=3, fusion="minmax")
    assert [found.tolist() for found in run.lists] == [[6, 7, 8]] * 6
    np.testing.assert_allclose(run.of(0)[1], [2.0, 1.0, 0.0])  # by minmax over 6, 5 and 4


def test_a_student_is_searched_without_it(opened: Collection, whole_minilm: str) -> None:
    run = search_student(whole_minilm, opened, np.arange(6), depth=4)
    assert _own(opened, run) == 0 and [len(found) for found in run.lists] == [4] * 6
    kept = search_student(whole_minilm, opened, np.arange(6), depth=4, own_document="keep")
    assert [found[0] for found in kept.lists] == list(range(6))


def test_other_collections_are_searched_as_before(tiny: Collection) -> None:
    rows = tiny.qrels("train").query_rows
    found, plain = search(BM25Retriever(), tiny, rows, 7), BM25Retriever().search(tiny, rows, 7)
    assert np.array_equal(found.documents, plain.documents) and np.array_equal(found.scores, plain.scores)
    with pytest.raises(DistillirError, match="leave_out or keep"):
        search(BM25Retriever(), tiny, rows, 7, own_document="drop")


def test_copies_of_judged_documents_are_excluded_with_them(tmp_path: Path) -> None:
    opened = arguana(tmp_path / "c", copy="spending on bees  helps nobody, whatever towns say of bees")
    qrels, query = opened.qrels("train"), np.array([opened.queries.row("bees-pro")])
    found = mine_candidates(opened, query, [BM25Retriever()], depth=8, qrels=qrels, exclude_judged=True)
    names = set(opened.corpus.ids(found.documents.tolist()))
    assert not names & {"copy", "bees-con", "bees-pro"} and len(found.documents) == 8
