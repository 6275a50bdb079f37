"""Weights of words: BM25's closed form, and the same number for a word in documents and queries."""

import pytest

from distillir.engines.words import document_weights, query_weights


def test_weights_are_those_of_bm25_without_the_document_frequency() -> None:
    weights = document_weights("bees bees honey")
    length = 1.2 * (1 - 0.75 + 0.75 * 3 / 256)
    (bee,), (honey,) = query_weights("bee"), query_weights("honey")
    assert weights == pytest.approx({bee: 2 * 2.2 / (2 + length), honey: 2.2 / (1 + length)})


def test_a_query_counts_each_word_once() -> None:
    assert set(query_weights("Honey, honey; HONEY?").values()) == {1.0}
    assert len(query_weights("Honey, honey; HONEY?")) == 1
    assert query_weights("?!") == {}
