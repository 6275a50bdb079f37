"""Words and sentences where no spaces are written: counted and cut, and what depends on it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distillir.base.errors import DistillirError
from distillir.base.scripts import count_words, first_words, split_sentences
from distillir.collections import load_collection
from distillir.collections.generated import with_generated_queries
from distillir.collections.text_files import text_part
from distillir.language_models.query_generator import query
from distillir.language_models.written import looks_cut


@given(st.text(st.characters(max_codepoint=0x2DF)), st.integers(1, 9))
def test_words_with_spaces_are_those_between_white_space(text: str, number: int) -> None:
    assert count_words(text) == len(text.split())
    assert first_words(text, number) == " ".join(text.split()[:number])


@given(st.text("ab 水壶。กำ้\n"), st.integers(1, 9))
def test_the_first_words_are_no_more_than_asked_for(text: str, number: int) -> None:
    assert count_words(first_words(text, number)) <= number
    assert first_words(text, 99) == first_words(text, None) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "words", "first"),
    [
        ("怎么修理水壶？", 3, "怎么修理"),
        ("USB接口 ok", 3, "USB接口"),
        ("ซ่อมกาน้ำ", 3.5, "ซ่อมก"),  # ซ่ อ ม ก า น้ ำ: a mark is no letter of its own
        ("पुरानी केतली की", 3, "पुरानी केतली"),
        ("물을 마신다 또", 3, "물을 마신다"),
    ],
)
def test_two_letters_without_spaces_count_as_a_word(text: str, words: float, first: str) -> None:
    assert count_words(text) == words
    assert first_words(text, 2) == first


def test_sentences_end_as_their_script_ends_them() -> None:
    text = "今天很好。我们走吧！Good day. Yes? नमस्ते। कैसे हो ፀሐይ። ቀን"
    assert split_sentences(text) == [
        "今天很好。",
        "我们走吧！",
        "Good day.",
        "Yes?",
        "नमस्ते।",
        "कैसे हो ፀሐይ።",
        "ቀን",
    ]
    assert split_sentences("ซ่อมกาน้ำ ก่อนใช้งาน") == ["ซ่อมกาน้ำ", "ก่อนใช้งาน"]


def test_sentences_of_chinese_documents_become_queries(tmp_path: Path) -> None:
    (tmp_path / "d.tsv").write_text(
        "1\t使用前应该用干布修理旧的水壶。好。\n2\t灯塔在海边的山上发光。\n", encoding="utf-8"
    )
    (tmp_path / "q.tsv").write_text("a\tkettle\n")
    collection = load_collection({"documents": str(tmp_path / "d.tsv"), "queries": str(tmp_path / "q.tsv")})
    wider, rows = with_generated_queries(collection, sentences=5)
    found = {wider.queries.id(row): wider.queries.text(row) for row in rows.tolist()}
    assert found == {"sentence:1": "使用前应该用干布修理旧的水壶。", "sentence:2": "灯塔在海边的山上发光。"}


def test_a_chinese_query_that_a_model_wrote_is_one() -> None:
    assert query("Query: 怎么修理水壶？") == "怎么修理水壶？"
    assert query("水") is None
    assert query("水壶" * 200) is None
    assert looks_cut("怎么修理水壶" * 10, 64) is False
    assert looks_cut("怎么修理水壶" * 12, 64) is True
    assert looks_cut("怎么修理水壶" * 12 + "？", 64) is False


def test_chinese_questions_before_their_answers_are_no_ids(tmp_path: Path) -> None:
    (tmp_path / "qa.tsv").write_text("怎么修理水壶\t['用布']\n灯塔在哪里呢\t['海边']\n", encoding="utf-8")
    with pytest.raises(DistillirError, match="the first column holds questions without ids"):
        text_part(tmp_path / "qa.tsv", "query")
