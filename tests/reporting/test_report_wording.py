"""Numbers and texts as people read them."""

import pytest

from distillir.reporting import wording
from distillir.reporting.figures.stages import stages_figure


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"), (0.44, "0.4 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"), (7830, "2 h 10 min"), (90_000, "25 h 00 min"),
    ],
)  # fmt: skip
def test_duration(seconds: float, said: str) -> None:
    assert wording.elapsed(seconds) == said


def test_signs_and_shares() -> None:
    assert [wording.signed(v) for v in (0.1432, -0.0206, 0.0, -0.0001, None)] == [
        "+0.143",
        "−0.021",
        "0.000",
        "0.000",
        "–",
    ]
    assert [wording.percent(v) for v in (0.926, 1.04, None)] == ["93\u202f%", "104\u202f%", "–"]
    assert [wording.p_value(v) for v in (0.0, 0.0009, 0.034, 0.412, None)] == [
        "< 0.001",
        "< 0.001",
        "0.034",
        "0.41",
        "–",
    ]


def test_plain_values() -> None:
    values = (True, None, 12, 12_345, -3, 0.123456, -1e-7, 1e6, "text", float("nan"))
    said = ["yes", "–", "12", "12\u202f345", "−3", "0.1235", "−1e−07", "1\u202f000\u202f000", "text", "nan"]
    assert [wording.plain(v) for v in values] == said


def test_shortened_cuts_at_a_word_and_drops_what_cannot_be_shown() -> None:
    assert wording.shortened("one two three", 9) == "one two …"
    assert wording.shortened("one two\x00\x1b three", 13) == "one two three"
    assert wording.shortened("x" * 50, 10) == "x" * 10 + " …"
    assert wording.shortened("def f():\n\n    return 1   \n") == "def f():\n    return 1"
    assert wording.shortened("文書🐝" * 3) == "文書🐝" * 3


def test_stages_in_the_order_they_ran_with_the_longest_named() -> None:
    figure = stages_figure({"candidates": 5.0, "a stage of a very long name indeed": 15.0, "report": 0.0})
    assert figure is not None
    assert figure.caption == "20 s in all; 75\u202f% of it in a stage of a very long name indeed."
    first, second, third = (
        figure.wide.index(f">{name}<") for name in ("candidates", "a stage of a very long …", "report")
    )
    assert first < second < third
    assert all(f">{time}<" in figure.wide for time in ("5.0 s", "15 s", "0.0 s"))
    assert stages_figure({}) is None
    alone = stages_figure({"training": 0.0})
    assert alone is not None and alone.caption == "0.0 s in all."
