"""Words in any script: marks stay, writing without spaces is cut into neighbours, spellings of one word meet."""

import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_collection import make

from distillir.retrieval.bm25 import BM25Index
from distillir.retrieval.bm25_settings import BM25Settings
from distillir.retrieval.identifiers import split_identifiers
from distillir.retrieval.word_cutting import document_words, query_words
from distillir.teachers.bm25 import BM25Teacher


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_texts_are_cut_as_bm25s_cuts_them(text: str) -> None:
    expected = re.findall(r"(?u)\b\w\w+\b", text.lower())
    assert document_words(text) == expected
    assert query_words(text) == expected


@given(st.text())
def test_composed_and_decomposed_texts_have_the_same_words(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert document_words(composed) == document_words(decomposed)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("केतली की मरम्मत कैसे करें", ["केतली", "की", "मरम्मत", "कैसे", "करें"]),  # vowel signs, virama
        ("நாடு বাংলা తెలుగు", ["நாடு", "বাংলা", "తెలుగు"]),
        ("न १२", ["न", "12"]),  # a word of one letter; digits
        ("怎么修理水壶？", ["怎么", "么修", "修理", "理水", "水壶"]),
        ("水", ["水"]),
        ("第3章 USB接口", ["第", "章", "usb", "接口"]),
        ("灯台のガイド", ["灯台", "台の", "のガ", "ガイ", "イド"]),
        ("물을 마신다", ["물을", "마신", "신다"]),
        ("ซ่อมกาน้ำ", ["ซ่อ", "อม", "มกา", "กาน้ำ"]),
        ("ພາສາລາວ", ["ພາສາ", "ສາລາ", "ລາວ"]),
        ("ភាសាខ្មែរ", ["ភាសា", "សាខ្មែ", "ខ្មែរ"]),  # what is stacked below stays with its letter
        ("မြန်မာ", ["မြန်", "န်မာ"]),
        ("བོད་སྐད་", ["བོད", "སྐད"]),
        ("don’t l’été x²", ["don", "été", "x²"]),
    ],
)
def test_words_of_a_query(text: str, words: list[str]) -> None:
    assert query_words(text) == words


def test_documents_have_the_letters_too_so_that_one_is_found_alone() -> None:
    assert document_words("水壶 kettle") == ["水", "壶", "水壶", "kettle"]
    assert split_identifiers("readLine方法") == ["readline", "read", "line", "方", "法", "方法"]
    assert split_identifiers("readLine方法", letters=False) == ["readline", "read", "line", "方法"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("Οδυσσεύς", "ΟΔΥΣΣΕΥΣ"),
        ("İSTANBUL ISPARTA", "istanbul ısparta"),
        ("ＡＢＣ１２３ ｶﾞｲﾄﾞ", "abc123 ガイド"),
        ("ﬁnal co\u00adop\ufeff", "final coop"),
        ("كِتَابٌ الأُمَّة", "كتاب الامه"),
        ("ﻛﺘﺎﺏ ک", "كتاب ك"),
        ("می\u200cخواهم", "می خواهم"),
        ("שָׁלוֹם צה״ל", 'שלום צה"ל'),
        ("за́мок", "замок"),
        ("น\u0e49\u0e33", "น\u0e4d\u0e49\u0e32"),
        ("ന\u0d4d\u200d", "ൻ"),
        ("नि\u200dर", "निर"),
        ("⼭水", "山水"),
        ("ភាសា\u200bខ្មែរ", "ភាសា ខ្មែរ"),
    ],
)
def test_one_word_written_in_two_ways(one: str, other: str) -> None:
    assert document_words(one) == document_words(other)
    assert document_words(one)


def test_what_means_something_else_stays_apart() -> None:
    assert document_words("10⁶ ½ cup") == ["10⁶", "cup"]
    assert document_words("théière") != document_words("theiere")
    assert document_words("ISI ısı", turkish=True) == ["ısı", "ısı"]


def test_turkish_settings_know_their_capitals(tmp_path: Path) -> None:
    collection = make(tmp_path / "c", ["ISI", "isi"], ["ısı"])
    index = BM25Index.build_or_load(collection, stopwords="tr", cache=tmp_path)
    assert index.search(np.array([0]), 5).lists[0].tolist() == [0]


@pytest.mark.parametrize(
    ("documents", "queries"),
    [
        (["使用前应该用干布修理旧的水壶。", "使用前应该用干布修理旧的灯塔。"], ["怎么修理水壶", "塔"]),
        (["ควรซ่อมกาน้ำเก่าด้วยผ้าแห้ง", "ควรซ่อมประภาคารเก่าด้วยผ้าแห้ง"], ["ซ่อมกาน้ำอย่างไร", "ประภาคาร"]),
        (["पानी का दाम कम है", "रोटी का दाम कम है"], ["पानी का दाम", "रोटी"]),
        (["une the\u0301ie\u0300re", "un ve\u0301lo"], ["théière", "vélo"]),
    ],
)
def test_the_right_document_is_first_in_any_script(tmp_path: Path, documents: list[str], queries: list[str]) -> None:
    index = BM25Index.build_or_load(make(tmp_path / "c", documents, queries), cache=tmp_path)
    run = index.search(np.arange(2), 5)
    assert [rows[0] for rows in run.lists] == [0, 1]
    for place in range(2):
        rows, scores = run.of(place)
        np.testing.assert_allclose(index.score(queries[place], rows), scores, rtol=1e-6)
        # Texts from elsewhere are cut as documents are.
        np.testing.assert_allclose(index.score_texts(place, [documents[row] for row in rows]), scores, rtol=1e-5)


def test_stop_words_are_cut_as_texts_are(tmp_path: Path) -> None:
    collection = make(tmp_path / "c", ["daß Wasser", "我们 的 水壶"], ["daß", "DASS", "的", "水"])
    german = BM25Index.build_or_load(collection, stopwords="de", cache=tmp_path)
    assert [len(rows) for rows in german.search(np.arange(2), 5).lists] == [0, 0]
    chinese = BM25Index.build_or_load(collection, stopwords="zh", cache=tmp_path)
    assert [len(rows) for rows in chinese.search(np.array([2, 3]), 5).lists] == [0, 1]


def test_ascii_collections_keep_their_index_and_others_get_a_new_one(tmp_path: Path) -> None:
    ascii_only, other = make(tmp_path / "a", ["ash"], ["ash"]), make(tmp_path / "o", ["ash"], ["水"])
    assert BM25Settings().words(ascii_only.corpus, ascii_only.queries) == []
    assert BM25Settings().words(other.corpus) == []
    assert BM25Settings().words(other.corpus, other.queries) != []
    assert BM25Settings(stopwords="tr").words(ascii_only.corpus) != []
    # The corpus alone makes the index; the teacher's scores depend on the queries' words too.
    assert BM25Settings().fingerprint(ascii_only.corpus) == BM25Settings().fingerprint(other.corpus)
    assert BM25Teacher().fingerprint(ascii_only) != BM25Teacher().fingerprint(other)
