"""BM25 against the formula, against bm25s' own indexing, and its search against its pair scores."""

import math
from pathlib import Path

import bm25s
import numpy as np
import pytest
from small_collection import make

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.retrieval import bm25_build
from distillir.retrieval.bm25 import BM25Index
from distillir.retrieval.bm25_settings import BM25Settings

DOCUMENTS = [
    "volcanic ash grounds planes",
    "ash trees and ash wood",
    "planes planes planes",
    "bees dance",
    "the of and",
]
QUERIES = ["ash planes", "planes planes", "dance of the bees", "quux", "the and"]


@pytest.fixture
def five(tmp_path: Path) -> Collection:
    return make(tmp_path / "five", DOCUMENTS, QUERIES)


def by_hand(query: str, k1: float, b: float) -> list[float]:
    """Lucene's formula over words of two letters or more that are no stop words."""
    stop = {"the", "of", "and"}
    words = [[w for w in text.split() if w not in stop] for text in DOCUMENTS]
    mean = sum(map(len, words)) / len(words)
    scores = []
    for document in words:
        total = 0.0
        for term in query.split():
            frequency = document.count(term)
            if term in stop or not frequency:
                continue
            df = sum(term in other for other in words)
            idf = math.log(1 + (len(words) - df + 0.5) / (df + 0.5))
            total += idf * frequency / (frequency + k1 * (1 - b + b * len(document) / mean))
        scores.append(total)
    return scores


@pytest.mark.parametrize(("k1", "b"), [(0.9, 0.4), (1.5, 0.75), (0.0, 0.0), (2.0, 1.0)])
def test_scores_are_those_of_the_formula(five: Collection, tmp_path: Path, k1: float, b: float) -> None:
    index = BM25Index.build_or_load(five, k1=k1, b=b, cache=tmp_path)
    for query in QUERIES:
        np.testing.assert_allclose(index.score(query, np.arange(5)), by_hand(query, k1, b), rtol=1e-6)


def test_search_agrees_with_scores_and_leaves_out_what_shares_no_term(five: Collection, tmp_path: Path) -> None:
    index = BM25Index.build_or_load(five, cache=tmp_path)
    run = index.search(np.arange(5), 10)
    assert [sorted(d.tolist()) for d in run.lists] == [[0, 1, 2], [0, 2], [3], [], []]
    again = index.score_lists(run.queries, run.lists)
    np.testing.assert_allclose(np.concatenate(again), run.scores, atol=1e-4)


def test_an_unsorted_list_with_repeats_is_scored_in_place(five: Collection, tmp_path: Path) -> None:
    index = BM25Index.build_or_load(five, cache=tmp_path)
    full = index.score("ash planes", np.arange(5))
    rows = np.array([4, 2, 2, 0, 1])
    assert np.array_equal(index.score("ash planes", rows), full[rows])
    assert index.score("ash planes", rows[:0]).shape == (0,)


def test_ties_go_by_row_whatever_the_depth(tmp_path: Path) -> None:
    collection = make(tmp_path / "c", ["ash tree"] * 40 + ["ash"] + ["ash tree"] * 40, ["ash"])
    index = BM25Index.build_or_load(collection, cache=tmp_path)
    for depth in (1, 5, 41, 80, 200):
        assert index.search(np.array([0]), depth).documents.tolist() == [40, *range(40), *range(41, 81)][:depth]


@pytest.mark.parametrize("stemmer", [None, "english"])
def test_the_streamed_index_equals_that_of_bm25s(
    tiny: Collection, tmp_path: Path, stemmer: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import Stemmer

    # Several batches, so that postings of one term come from many.
    iterate = type(tiny.corpus).iterate
    monkeypatch.setattr(type(tiny.corpus), "iterate", lambda self, batch=7: iterate(self, batch))
    index = BM25Index.build_or_load(tiny, stemmer=stemmer, cache=tmp_path)
    snowball = Stemmer.Stemmer(stemmer) if stemmer else None
    reference = bm25s.BM25(k1=0.9, b=0.4, method="lucene")
    tokens = bm25s.tokenize(tiny.corpus.texts(), stopwords="en", stemmer=snowball, show_progress=False)
    reference.index(tokens, show_progress=False)
    for text in tiny.queries.texts():
        words = bm25s.tokenize(text, stopwords="en", stemmer=snowball, show_progress=False, return_ids=False)[0]
        expected = reference.get_scores(words) if words and words != [""] else np.zeros(len(tiny.corpus))
        np.testing.assert_allclose(index.score(text, np.arange(len(tiny.corpus))), expected, atol=1e-5)


def test_stemming_finds_other_forms(tiny: Collection, tmp_path: Path) -> None:
    plain = BM25Index.build_or_load(tiny, cache=tmp_path)
    stemmed = BM25Index.build_or_load(tiny, stemmer="english", cache=tmp_path)
    row = np.array([tiny.corpus.row("bee-dance")])
    assert plain.score("bees dancing", row)[0] == plain.score("bees", row)[0]
    assert stemmed.score("a running", row)[0] > 0


def test_the_index_is_built_once_and_readable_by_bm25s(
    five: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = BM25Index.build_or_load(five, cache=tmp_path / "i").search(np.arange(5), 5)
    monkeypatch.setattr("distillir.retrieval.bm25.build_index", lambda *_, **__: pytest.fail("built again"))
    second = BM25Index.build_or_load(five, cache=tmp_path / "i").search(np.arange(5), 5)
    assert np.array_equal(first.documents, second.documents)
    assert np.array_equal(first.scores, second.scores)
    (folder,) = (tmp_path / "i").iterdir()
    library = bm25s.BM25.load(folder, mmap=True)
    found, _ = library.retrieve([["ash", "planes"]], k=1, show_progress=False)
    assert found[0, 0] == first.documents[0]


def test_settings_and_texts_have_indices_of_their_own(five: Collection, tmp_path: Path) -> None:
    other = make(tmp_path / "other", [*DOCUMENTS[:-1], "another text"], QUERIES)
    settings = [BM25Settings(), BM25Settings(k1=1), BM25Settings(stemmer="english"), BM25Settings(stopwords=None)]
    prints = {s.fingerprint(c.corpus) for s in settings for c in (five, other)}
    assert len(prints) == 8
    assert BM25Settings(k1=1).fingerprint(five.corpus) == BM25Settings(k1=1.0).fingerprint(five.corpus)


def test_a_failed_build_leaves_nothing(five: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bm25_build, "_blocks", break_off)
    with pytest.raises(KeyboardInterrupt):
        BM25Index.build_or_load(five, cache=tmp_path / "i")
    assert list((tmp_path / "i").iterdir()) == []


def test_the_second_of_two_builders_keeps_the_first_s_index(five: Collection, tmp_path: Path) -> None:
    settings = BM25Settings()
    bm25_build.build_index(five.corpus, settings, tmp_path / "i")
    before = (tmp_path / "i" / "params.index.json").stat().st_ino
    bm25_build.build_index(five.corpus, settings, tmp_path / "i")
    assert (tmp_path / "i" / "params.index.json").stat().st_ino == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("i")] == ["i"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stemmer": "klingon"}, "unknown stemmer 'klingon'"),
        ({"stopwords": "xx"}, "no stop words known for 'xx'"),
        ({"k1": -1.0}, "no BM25 constants"),
        ({"b": 1.5}, "no BM25 constants"),
    ],
)
def test_bad_settings_are_refused(five: Collection, tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(DistillirError, match=message):
        BM25Index.build_or_load(five, cache=tmp_path, **options)  # type: ignore[arg-type]


def test_a_corpus_of_stop_words_is_refused(tmp_path: Path) -> None:
    collection = make(tmp_path / "c", ["the of", "and a"], ["the"])
    with pytest.raises(DistillirError, match="no word is left"):
        BM25Index.build_or_load(collection, cache=tmp_path)
    assert BM25Index.build_or_load(collection, stopwords=None, cache=tmp_path).search(np.array([0]), 5).lists[0] == [0]
