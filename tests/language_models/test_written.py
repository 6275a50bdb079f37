"""What a language model wrote, to its answer: thoughts, cut-off texts and other forms of no answer."""

from typing import Any

import pytest

from distillir.language_models.written import CUT, EMPTY, THINKING, looks_cut, read_text

QUERY = "how to mend a kettle"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        (QUERY, {}, (QUERY, None)),
        ("", {}, ("", EMPTY)),
        (" \n", {"cut": True}, ("", CUT)),
        ("", {"thought": True}, ("", THINKING)),
        (f"<think>The user wants\na query.</think>\n\n{QUERY}", {}, (QUERY, None)),
        (f"<think>\n\n</think>\n\n{QUERY}", {}, (QUERY, None)),
        (f"[THINK]let me see[/THINK]{QUERY}", {}, (QUERY, None)),
        (f"so it is about kettles.</think>{QUERY}", {}, (QUERY, None)),
        (f"<|channel|>analysis<|message|>Kettles.<|end|><|channel|>final<|message|>{QUERY}", {}, (QUERY, None)),
        ("<think> Okay, the user wants one short search query, so I", {"cut": True}, ("", THINKING)),
        ("<|channel|>analysis<|message|>The document", {"cut": True}, ("", THINKING)),
        ("<think>all of it</think>", {}, ("", THINKING)),
        ("Okay, so I need to come up with a short search query", {}, ("", THINKING)),
        ("We need to produce one short query that fits.", {}, ("", THINKING)),
        ("The user wants a search query. Let me look at", {}, ("", THINKING)),
        ("Hmm, the document is long", {}, ("", THINKING)),
        ("how to mend a kettle with a", {"cut": True}, ("", CUT)),
        ("how to mend a kettle\nwhich kettle is", {"cut": True}, ("", CUT)),
        # A model without instruction tuning writes on and on: its whole lines are answers.
        ("how to mend a kettle\nwhich kettle is", {"cut": True, "goes_on": True}, (QUERY, None)),
        ("how to mend a kettle with a", {"cut": True, "goes_on": True}, ("", CUT)),
    ],
)  # fmt: skip
def test_the_answer_in_a_text(text: str, options: dict[str, Any], expected: tuple[str, str | None]) -> None:
    assert read_text(text, **options) == expected


@pytest.mark.parametrize(
    "text",
    [
        "the user manual of a samovar", "the user has no permission to mount", "I want to write a book",
        "i need to create a will in ohio", "the document object model", "First, do no harm: meaning",
        "well water testing", "so what is a samovar", "let me in film cast", "right to repair laws",
    ],
)  # fmt: skip
def test_queries_that_begin_like_thoughts_are_queries(text: str) -> None:
    assert read_text(text) == (text, None)


def test_texts_of_which_nobody_noted_the_end() -> None:
    assert looks_cut("how do the old trams of the city climb up its hills in", 24)
    assert not looks_cut("how do the old trams of the city climb up its hills?", 24)
    assert not looks_cut(QUERY, 24) and not looks_cut("word " * 20 + "\nmore", 24)
